// Package config reads the configuration of peervane: one strict TOML file,
// the files that it includes, and the prefix lists, secrets and templates
// that it names. Load returns typed values with every default applied, or
// every problem at once, each with its file, line and column and the mend.
//
// It imports nothing else of this project, starts no goroutine, opens no
// socket, keeps no global state, and never writes a file. Secrets that it has
// read print as "hidden" whatever verb or encoder they meet.
package config
