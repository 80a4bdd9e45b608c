// Package sync says how replicas become equal: what a change is, how changes merge into records, how feeds are chained and
// signed, and how they travel over HTTP or as files. It knows units and dots and nothing of poverty, tables or screens:
// merge policies and canonical forms come to it as values.
//
// Start reading at change.go (what travels), record.go (the merge), then wire.go (the messages) and session.go (a tablet's
// sync). DESIGN.md tells why it is this way. Everywhere else it is imported as fieldsync.
package sync
