export function Mark({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" aria-hidden className={className}>
      <rect width="32" height="32" rx="8" fill="#2657d9" />
      <path
        d="M7 12.2c3-2.6 6-2.6 9 0s6 2.6 9 0M7 19.8c3-2.6 6-2.6 9 0s6 2.6 9 0"
        fill="none"
        stroke="#fff"
        strokeWidth="2.6"
        strokeLinecap="round"
      />
    </svg>
  )
}
