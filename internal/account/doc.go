// Package account lets people in: it checks passwords, keeps the console's sessions and ends them. Who exists, with which
// role and areas, is central's; what a person may do is survey.Can. It draws no pages.
//
// Start reading at service.go (who is signed in), then password.go (what is kept of a password) and gate.go (guessing).
package account
