// Package incident is the book of incidents: it turns findings, which are what holds now, into incidents, which fire,
// may be updated and resolve, under one id throughout.
//
// It is pure: no socket, file, goroutine or clock; ids are made by a function that is handed in. The same findings at the
// same times give the same notices. It never judges routes, never delivers, and owns no goroutine: the engine calls it.
//
// Losing sight is not recovery. The book remembers at which vantages a condition was seen; one that is lost keeps its
// incident firing until it is back in sync without the condition, is removed, or an hour has passed and another vantage
// shows the prefix good.
package incident
