// Enter into web/package-lock.json the binaries for other platforms that npm left out.
//
// A package with native parts lists one optional package per platform. npm leaves those out of the
// lock that it could not look up where it ran, and then `npm ci` refuses that lock everywhere. The
// version is known from the list itself and the platform from the name. What is entered here has no
// checksum; running `npm install` where all of them can be looked up adds those.
import { readFileSync, writeFileSync } from "node:fs";

const path = process.argv[2] ?? "web/package-lock.json";
const lock = JSON.parse(readFileSync(path, "utf8"));

const SYSTEMS = ["aix", "android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "win32"];
const CHIPS = ["arm", "arm64", "ia32", "loong64", "mips64el", "ppc64", "riscv64", "s390x", "wasm32", "x64"];
const EXACT = /^\d+\.\d+\.\d+(-[\w.]+)?$/;

/** The platform that a package's name ends in, such as `linux-arm64-musl`; undefined if it names none. */
function platformOf(name) {
  const words = name.split(/[-/]/).map((word) => word.replace(/^arm(v7|eabi|-gnueabihf)$/, "arm"));
  const os = words.find((word) => SYSTEMS.includes(word));
  const cpu = words.find((word) => CHIPS.includes(word)) ?? (words.includes("universal") ? "*" : undefined);
  // WebAssembly has no system of its own; npm knows it as a chip alone.
  if (cpu === "wasm32") return { cpu: ["wasm32"] };
  if (name === "fsevents") return { os: ["darwin"] };
  if (!os || !cpu) return undefined;
  const libc = { musl: "musl", gnu: "glibc", gnueabihf: "glibc", musleabihf: "musl" };
  const found = words.map((word) => libc[word]).find(Boolean);
  return { os: [os], ...(cpu === "*" ? {} : { cpu: [cpu] }), ...(os === "linux" && found ? { libc: [found] } : {}) };
}

const entered = [];
for (const [owner, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const place = `node_modules/${name}`;
    const platform = platformOf(name);
    if (lock.packages[place] || lock.packages[`${owner}/${place}`] || !platform) continue;
    const exact = version.replace(/^[~^]/, "");
    if (!EXACT.test(exact)) {
      console.error(`lock: ${owner} asks for ${name} ${version}, which is no one version`);
      process.exit(1);
    }
    lock.packages[place] = { version: exact, ...platform, ...(entry.dev ? { dev: true } : {}), optional: true };
    entered.push(name);
  }
}

const sorted = Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
lock.packages = Object.fromEntries(sorted);
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
console.log(entered.length ? `entered ${entered.length} platform packages in ${path}` : `${path} is complete`);
