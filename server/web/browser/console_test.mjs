// Walks the console in Chromium: every page in both languages at three sizes, axe on each, sign-in with and without
// JavaScript, the keyboard. Run by scripts/console; RASOAT_SHOTS names a folder for pictures.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const require = createRequire(join(process.env.RASOAT_CONSOLE_MODULES, "package.json"));
const { chromium } = require("playwright-core");
const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const { base, password, pages, board, round, fresh } = JSON.parse(process.env.RASOAT_SCENARIO);
const shots = process.env.RASOAT_SHOTS;
const profile = mkdtempSync(join(tmpdir(), "rasoat-console-"));
const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const wide = { width: 1280, height: 720 };
const sizes = { zoomed: { width: 640, height: 360 }, narrow: { width: 400, height: 800 } }; // 1280×720 at 200 %; a phone

let problems = 0;
function wrong(what) {
	problems += 1;
	console.error(`console: ${what}`);
}

const name = (path) => path.replace(round, "round").replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "id").replaceAll(/[^A-Za-z0-9.-]+/g, "_").replace(/^_/, "") || "start";

async function signIn(page, account) {
	await page.goto(`${base}/signin`);
	await page.fill("#account", account);
	await page.fill("#password", password);
	await Promise.all([page.waitForURL((url) => !url.pathname.startsWith("/signin")), page.press("#password", "Enter")]);
}

async function setLanguage(page, lang) {
	if ((await page.getAttribute("html", "lang")) !== lang) {
		await page.click("form[action='/language'] button");
		assert.equal(await page.getAttribute("html", "lang"), lang);
	}
}

// axe runs beside the page's own rules: its code comes in through the debugger, as the page may load none.
async function accessible(page, where) {
	await page.evaluate(axeSource);
	const found = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
	for (const v of found.violations) {
		wrong(`${where}: axe ${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.target.join(" ")).join(" | ")}`);
	}
}

async function shoot(page, file) {
	if (shots) {
		mkdirSync(shots, { recursive: true });
		await page.screenshot({ path: join(shots, `${file}.png`), fullPage: true });
	}
}

async function walk(page, list, lang, who) {
	for (const path of list) {
		const answer = await page.goto(base + path);
		if (answer.status() !== 200) {
			wrong(`${path} in ${lang}: status ${answer.status()}`);
			continue;
		}
		await accessible(page, `${path} in ${lang}`);
		await shoot(page, `${who}-${lang}-${name(path)}`);
		if (lang !== "vi") {
			continue;
		}
		for (const [label, size] of Object.entries(sizes)) {
			await page.setViewportSize(size);
			const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
			if (over > 0) {
				wrong(`${path} at ${size.width} px: the page is ${over} px too wide`);
			}
			await shoot(page, `${who}-${lang}-${label}-${name(path)}`);
		}
		await page.setViewportSize(wide);
	}
}

// The first stop of the keyboard is the way past the menus, and what has the focus can be seen.
async function keyboard(page) {
	await page.goto(`${base}/rounds`);
	await page.keyboard.press("Tab");
	assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
	await page.keyboard.press("Enter");
	assert.equal(await page.evaluate(() => location.hash), "#main");
	await page.keyboard.press("Tab");
	const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
	assert.notEqual(outline, "none");
}

const context = await chromium.launchPersistentContext(profile, { executablePath: process.env.RASOAT_CHROMIUM ?? "/usr/bin/chromium", args, viewport: wide, locale: "vi-VN", timezoneId: "Asia/Ho_Chi_Minh" });
try {
	const page = context.pages()[0] ?? (await context.newPage());
	page.on("pageerror", (e) => wrong(`a script failed on ${page.url()}: ${e.message}`));
	page.on("console", (m) => m.type() === "error" && !/status of 4\d\d/.test(m.text()) && wrong(`${page.url()}: ${m.text()}`));
	page.on("request", (r) => r.url().startsWith(base) || r.url().startsWith(fresh) || r.url().startsWith("data:") || wrong(`${page.url()} asked for ${r.url()}`));

	await page.goto(`${fresh}/`);
	assert.equal(new URL(page.url()).pathname, "/setup");
	for (const lang of ["vi", "en"]) {
		await setLanguage(page, lang);
		await accessible(page, `/setup in ${lang}`);
		await shoot(page, `nobody-${lang}-setup`);
	}

	await page.goto(`${base}/signin`);
	for (const lang of ["vi", "en"]) {
		await setLanguage(page, lang);
		await accessible(page, `/signin in ${lang}`);
		await shoot(page, `nobody-${lang}-signin`);
	}
	await setLanguage(page, "vi");
	await page.fill("#account", "quantri");
	await page.fill("#password", "không phải mật khẩu");
	await page.press("#password", "Enter");
	await page.waitForSelector("#problems");
	assert.equal(await page.inputValue("#account"), "quantri");
	assert.equal(await page.evaluate(() => document.activeElement.id), "problems");
	await accessible(page, "/signin with a wrong password");
	await shoot(page, "nobody-vi-signin-wrong");

	await signIn(page, "quantri");
	await keyboard(page);
	for (const lang of ["vi", "en"]) {
		await page.goto(`${base}/rounds`);
		await setLanguage(page, lang);
		await walk(page, pages.filter((p) => !board.includes(p)), lang, "admin");
	}
	await page.goto(`${base}/nothing-here`);
	await accessible(page, "a page that is not there");
	await shoot(page, "admin-en-404");
	await page.goto(`${base}/accounts/en0417`);
	await page.click("form[action$='/enrol'] button");
	await page.waitForSelector(".bigcode");
	await accessible(page, "an enrolment code");
	await shoot(page, "admin-en-enrol");
	await page.emulateMedia({ media: "print" });
	await page.goto(`${base}/rounds/${round}?area=01975`);
	await shoot(page, "admin-print-totals");
	await page.emulateMedia({ media: "screen" });

	await page.goto(`${base}/rounds`);
	await setLanguage(page, "vi");
	await page.click("form[action='/signout'] button");
	await signIn(page, "banchidao");
	await walk(page, board, "vi", "board");

	// The same without JavaScript: signing in, filtering a list, opening a household, sending a form.
	const browser = await chromium.launch({ executablePath: process.env.RASOAT_CHROMIUM ?? "/usr/bin/chromium", args });
	const plain = await browser.newContext({ javaScriptEnabled: false, viewport: wide });
	const bare = await plain.newPage();
	await signIn(bare, "banchidao");
	await bare.goto(`${base}/rounds/${round}/households?area=01975`);
	await bare.selectOption("#class", "poor");
	await Promise.all([bare.waitForURL(/class=poor/), bare.click("form[role=search] button")]);
	await Promise.all([bare.waitForURL(/\/households\//), bare.click("tbody a")]);
	await bare.click("summary");
	await bare.fill("#why", "Kiểm tra giấy tờ của hộ");
	await Promise.all([bare.waitForURL(/#sensitive/), bare.click("form[action*=reveal] button")]);
	assert.match(await bare.textContent("#sensitive + p, section[aria-labelledby=sensitive]"), /15 phút/);
	await shoot(bare, "board-vi-household-revealed");
	await browser.close();
} finally {
	await context.close();
	rmSync(profile, { recursive: true, force: true });
}
if (problems > 0) {
	console.error(`console: ${problems} problems`);
	process.exit(1);
}
console.log(`console: ${pages.length} pages in two languages, no violation`);
