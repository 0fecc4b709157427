package nspawn

// DefaultPath is the PATH that nspawn gives PID 1.
const DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
