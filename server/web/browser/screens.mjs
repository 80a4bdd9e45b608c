// Takes the README's pictures of the console from a running demo: node screens.mjs ADDRESS PASSWORD FOLDER
import { createRequire } from "node:module";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const require = createRequire(join(process.env.RASOAT_CONSOLE_MODULES, "package.json"));
const { chromium } = require("playwright-core");
const [base, password, folder] = process.argv.slice(2);
const profile = mkdtempSync(join(tmpdir(), "rasoat-screens-"));
const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

const browser = await chromium.launchPersistentContext(profile, { executablePath: "/usr/bin/chromium", args, viewport: { width: 1280, height: 900 } });
try {
	const page = await browser.newPage();
	const shoot = (file) => page.screenshot({ path: join(folder, `${file}.png`) });
	await page.goto(`${base}/signin`);
	await page.fill("#account", "huyen");
	await page.fill("#password", password);
	await Promise.all([page.waitForURL((url) => !url.pathname.startsWith("/signin")), page.press("#password", "Enter")]);
	await page.goto(`${base}/rounds`);
	await page.click("main table a >> nth=0");
	await shoot("console-totals");
	const round = new URL(page.url()).pathname;
	await page.goto(`${base}${round}/households?area=01975&class=poor`);
	await page.click("main table a >> nth=0");
	await shoot("console-household");
} finally {
	await browser.close();
	rmSync(profile, { recursive: true, force: true });
}
