// A browser without a window looks at the page: node wall.cjs FOLDER URL, where FOLDER holds jsdom. Time runs fifty times as fast.
"use strict";
const { JSDOM, VirtualConsole } = require(require.resolve("jsdom", { paths: [process.argv[2]] }));
const url = process.argv[3];
const began = Date.now();

const fail = (text) => { console.error(text); process.exit(1); };
const tell = (what) => fetch(url + "test/" + what);

async function until(what, is) {
	for (let i = 0; i < 1500; i++) {
		if (is()) return;
		await new Promise((r) => setTimeout(r, 20));
	}
	fail("not seen: " + what);
}

(async () => {
	let reloads = 0;
	const quiet = new VirtualConsole();
	quiet.on("jsdomError", (e) => /navigation/.test(e.message) ? reloads++ : fail(e.stack));
	const dom = await JSDOM.fromURL(url, {
		runScripts: "dangerously", resources: "usable", pretendToBeVisual: true, virtualConsole: quiet,
		beforeParse(window) {
			const wait = window.setInterval;
			window.setInterval = (f, ms) => wait.call(window, f, ms / 50);
			window.Date.now = () => began + (Date.now() - began) * 50;
			window.fetch = (path, options) => fetch(new URL(path, url), { cache: options.cache });
			window.AbortSignal.timeout = () => undefined;
		},
	});
	const document = dom.window.document;
	const lost = () => document.getElementById("lost").hidden ? "" : document.getElementById("lost-text").textContent;
	const stale = () => document.body.classList.contains("stale");
	const icon = () => document.querySelector("link[rel=icon]").getAttribute("href");
	const well = () => lost() === "" && !stale() && document.title === "1 info: 203.0.113.0/24 hijacked – host7";
	await until("the script", () => document.body.classList.contains("runs"));

	if (document.title !== "1 critical: 203.0.113.0/24 hijacked – host7") fail("title " + document.title);
	if (icon() !== "page/critical.svg") fail("icon " + icon());
	if (!document.querySelector("details").open) fail("the evidence of the gravest is closed");
	document.querySelector("details").open = false;

	await tell("mild"); // it is less grave now
	await until("the next page", well);
	if (icon() !== "page/info.svg") fail("icon is not changed: " + icon());
	if (document.querySelector("details").open) fail("what was closed is opened again");

	const says = async (what, pattern) => {
		await tell(what);
		await until(what, () => stale() && pattern.test(lost()));
		if (!/^✕ no contact – 20/.test(document.title)) fail("title " + document.title);
		if (!/^for \d+/.test(document.getElementById("lost-for").textContent)) fail("for how long is not said");
		await tell("mild");
		await until("contact after " + what, well);
	};
	await says("gone", /^No contact with peervane: what stands here was true at 2026-.*Z\. ./);
	await says("stranger", /What answers is not peervane\.$/); // a page for signing in
	await says("refused", /It answers 503: busy/);
	await says("same", /It answers with the same page again and again\.$/); // a proxy keeps it

	const since = Date.now();
	document.getSelection().selectAllChildren(document.querySelector(".summary"));
	await until("that a selection is kept", () => lost() === "What changes is not shown while text is selected.");
	await tell("bad");
	await until("the verdict in spite of it", () => document.querySelector("h1").textContent === "203.0.113.0/24 hijacked" && icon() === "page/critical.svg");
	const left = document.querySelector("article").classList.contains("info");
	if (!left && Date.now() - since < 60000 / 50) fail("what is selected was taken away");
	await until("the end of patience", () => document.querySelector("article").classList.contains("critical"));
	document.getSelection().removeAllRanges();
	await until("that it goes on", () => lost() === "");

	if (reloads) fail("loaded again for nothing");
	await tell("upgraded");
	await until("the script of another edition", () => reloads > 0);
	console.log("well");
	process.exit(0);
})().catch((e) => fail(e.stack));
