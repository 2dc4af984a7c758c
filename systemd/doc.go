// Package systemd speaks to the service manager: readiness, reload, status and watchdog by sd_notify(3), sockets passed
// by socket activation, and whether the log goes to the journal. Its folder holds the unit and what is packaged with it.
//
// Without a service manager every function here does nothing. It starts no goroutine.
package systemd
