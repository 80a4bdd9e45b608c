// Package tablet is the tablet's own store: the drafts of open forms, the log of this tablet's changes, the records it was
// given, and how far it has read each server. It is what makes the promise "an answer that was typed is never lost" true
// on a machine that may lose power at any moment and see no network for weeks.
//
// It owns one SQLite file and one small side file in its folder, and it is the only room that reads or writes them. It never
// draws a screen, never opens a socket by itself (a fieldsync.Session does, through the methods in local.go), and never
// merges: package sync does.
//
// Everything personal stands in blob columns that pass through one [Sealer]; what is searched and sorted (names) is in
// memory only. Start reading at [Store], then [Form] (form.go: a form shows one snapshot, whole), commit.go (how a change is
// cut from the draft), local.go and pull.go (the tablet's side of a sync).
package tablet
