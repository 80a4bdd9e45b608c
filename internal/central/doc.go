// Package central is the survey's central store: every change that ever arrived, the records merged from them, the feeds
// tablets pull, and the totals boards read, in SQLite (the embedded default) or PostgreSQL.
//
// It owns all tables of the server and their migrations. It decides about each change (published, flagged, held,
// quarantined), merges, classifies, routes to scopes and keeps the counters, all in the transaction that stores the
// change. It draws no pages, speaks no HTTP and knows no report: those read through it.
//
// Start reading at store.go (opening, transactions), then push.go (the way of a segment), plan.go (what its changes do)
// and apply.go (how that is written). pull.go and snapshot.go give it back; query.go answers pages.
package central
