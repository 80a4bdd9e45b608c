// The console works without this file. With it, the summary of what is wrong is read out first, a page can be printed with
// a button, and a form is not sent twice by a double click.
"use strict";

document.getElementById("problems")?.focus();

for (const button of document.querySelectorAll("[data-print]")) {
	button.hidden = false;
	button.addEventListener("click", () => window.print());
}

for (const form of document.querySelectorAll("form[method=post]")) {
	form.addEventListener("submit", (event) => {
		if (form.dataset.sent) {
			event.preventDefault();
			return;
		}
		form.dataset.sent = "1";
	});
}

// A page that comes back out of the browser's memory may be sent again.
window.addEventListener("pageshow", () => {
	for (const form of document.querySelectorAll("form[data-sent]")) {
		delete form.dataset.sent;
	}
});
