// Package notice holds what is told: the Notice, its JSON body notice.v1, the types and severities of incidents, the
// fingerprint that makes two conditions one incident, and the Delivery that carries a notice to one channel.
//
// It is pure: no socket, file, goroutine or clock; time comes in as a value. It decides nothing about when a notice is
// due (daemon/incident does), where it goes (daemon/notify), or how it is kept (daemon/store).
package notice
