package web

import "github.com/rasoat/rasoat/internal/survey"

// RouteInfo is what tests see of a route.
type RouteInfo struct {
	Method, Path string
	Act          survey.Action
}

// Routes are all routes of the console.
func Routes() []RouteInfo {
	out := make([]RouteInfo, 0, len(table))
	for _, r := range table {
		out = append(out, RouteInfo{r.method, r.path, r.act})
	}
	return out
}
