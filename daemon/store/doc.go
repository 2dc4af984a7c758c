// Package store keeps on disk what must outlive the process: incidents and whom they were told to, events, the outbox,
// latency history, and small state by key. It is one SQLite database in WAL mode. What is promised is on disk: the writer takes the log
// there after each transaction (docs/decisions/0010-the-log-of-the-database.md).
//
// Submit never waits for the disk. What is submitted is coalesced in memory and written by the one writer, the
// goroutine of Run, in one transaction for all that came meanwhile (group commit). While the disk is full, lost, slow
// or the database is corrupt, the store goes on from memory within fixed bounds, serves the outbox from there, says so
// at a limited rate, tries again with back-off, and recovers by itself. A corrupt database is set aside under
// another name, never deleted.
//
// What the retention asks for is deleted by the writer, in steps so small that no promise waits for long. What is open or not
// delivered is never deleted.
//
// It never judges what it keeps, never calls a channel, and starts no goroutine but in Run, which waits for all of them; the log is
// written back by one of those, beside the writer.
package store
