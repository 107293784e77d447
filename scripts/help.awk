# Print each target that carries a `## description`, under the headings that begin with `## `.
BEGIN { FS = ":.*## "; print "make …" }
/^## / { printf "\n%s\n", substr($0, 4) }
/^[a-z-]+:.*## / { printf "  %-10s %s\n", $1, $2 }
