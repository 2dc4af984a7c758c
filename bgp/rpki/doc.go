// Package rpki holds validated RPKI data, judges routes by it, and fetches it.
//
// A Set is immutable: VRPs for origin validation (RFC 6811) and ASPAs for path verification
// (draft-ietf-sidrops-aspa-verification-28). A Validator keeps one up to date from caches over RTR
// (draft-ietf-sidrops-8210bis-27 as version 2, RFC 8210 as version 1, RFC 6810 as version 0) and from the JSON files that
// rpki-client, routinator and stayrtr write, with the local exceptions of SLURM (RFC 8416) on top, and hands on each new Set whole.
//
// The package checks no signature and drops no route: the relying party has validated the objects, and what a verdict
// means is for the detectors to say. Sets, verdicts, differences, SLURM, the JSON decoder and the RTR conversation are pure.
//
// Goroutines: Validator.Run starts one for each cache that it needs now and one for the file, and waits for them.
package rpki
