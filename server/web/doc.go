// Package web is the server's face: it mounts the sync endpoints, the console's pages and the API on one HTTP server, with
// the limits, headers and logs that every request gets. It stores nothing and decides nothing: central, account and the
// rooms beside them do.
//
// Start reading at server.go (what is mounted, how it starts and stops), middleware.go (what every request passes), then
// routes.go (the pages).
package web
