// A browser without a window looks at the page: node wall.cjs FOLDER URL, where FOLDER holds jsdom. Time runs fifty times as fast.
"use strict";
const { JSDOM } = require(require.resolve("jsdom", { paths: [process.argv[2]] }));
const url = process.argv[3];

const fail = (text) => { console.error(text); process.exit(1); };
const tell = (what) => fetch(url + "test/" + what);

async function until(what, is) {
	for (let i = 0; i < 1000; i++) {
		if (is()) return;
		await new Promise((r) => setTimeout(r, 20));
	}
	fail("not seen: " + what);
}

(async () => {
	const dom = await JSDOM.fromURL(url, {
		runScripts: "dangerously", resources: "usable", pretendToBeVisual: true,
		beforeParse(window) {
			const wait = window.setTimeout;
			window.setTimeout = (f, ms) => wait.call(window, f, ms / 50);
			window.fetch = (path, options) => fetch(new URL(path, url), { cache: options.cache });
			window.AbortSignal.timeout = () => undefined;
			window.CSS = { escape: (s) => s };
		},
	});
	const document = dom.window.document;
	const lost = () => document.getElementById("lost");
	const stale = () => document.body.classList.contains("stale");

	if (document.title !== "1 critical – host7") fail("title " + document.title);
	if (!document.querySelector("link[rel=icon]").href.endsWith("/page/critical.svg")) fail("icon");
	document.querySelector("details").open = true;

	await tell("quiet"); // what holds is over, but for one
	await until("the next page", () => document.title === "1 info – host7");
	if (!document.querySelector("link[rel=icon]").href.endsWith("/page/info.svg")) fail("icon is not changed");
	if (!document.querySelector("details").open) fail("what was open is closed");
	if (!lost().hidden || stale()) fail("lost: " + lost().textContent);

	await tell("gone");
	await until("that there is no contact", () => !lost().hidden && stale());
	if (!/^No contact with peervane for \d+ s: what stands here was true at 2026-11-22 10:00:00Z\.$/.test(lost().textContent)) fail(lost().textContent);
	if (document.title !== "✕ no contact – 1 info – host7") fail("title " + document.title);
	await tell("back");
	await until("that there is contact again", () => lost().hidden && !stale() && document.title === "1 info – host7");

	await tell("stranger"); // another program answers there
	await until("that it is no peervane", () => !lost().hidden && stale());
	await tell("back");
	await until("that there is contact again", () => lost().hidden && !stale());

	document.getSelection().selectAllChildren(document.querySelector(".summary"));
	await until("that a selection is kept", () => lost().textContent === "Paused while text is selected.");
	document.getSelection().removeAllRanges();
	await until("that it goes on", () => lost().hidden);
	console.log("well");
	process.exit(0);
})().catch((e) => fail(e.stack));
