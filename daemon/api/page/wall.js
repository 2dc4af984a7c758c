// The daemon makes the page; this takes a new one every few seconds. When none comes, or always the same, it says so: a wall that
// shows yesterday's calm is worse than none.
"use strict";

const every = 5000; // ms, between two looks
const patience = 10000; // for an answer
const limit = 20000; // how old what is shown may be before that is said
const pause = 60000; // how long a selection is left alone

const by = (id, page = document) => page.getElementById(id);
let fresh = Date.now(); // when something new was last shown
let trouble = "";
let looking = false;
let selected = 0; // since when text is
let upgrades = 0; // good answers of another edition

function say(text, since) {
	if (by("lost-text").textContent !== text) {
		by("lost-text").textContent = text; // read aloud once
	}
	by("lost-for").textContent = since ? "for " + lasting(Date.now() - since) : "";
	by("lost").hidden = text === "";
}

function lasting(ms) {
	const s = Math.round(ms / 1000);
	if (s < 60) return s + " s";
	if (s < 3600) return Math.floor(s / 60) + " min " + (s % 60) + " s";
	return Math.floor(s / 3600) + " h " + Math.floor((s % 3600) / 60) + " min";
}

// tick says how it stands, whatever became of the last look: time goes on while a look hangs, or the machine sleeps.
function tick() {
	const old = Date.now() - fresh > limit;
	document.body.classList.toggle("stale", old);
	if (old) {
		document.title = "✕ no contact – " + by("at").textContent;
		say(`No contact with peervane: what stands here was true at ${by("at").textContent}. ${trouble}`, fresh);
	} else {
		say(selected ? "What changes is not shown while text is selected." : "");
	}
}

// selecting says whether somebody is about to copy something: that would be taken away under their hands.
function selecting() {
	const s = getSelection();
	if (!s || s.isCollapsed || !document.querySelector("main").contains(s.anchorNode)) {
		selected = 0;
	} else {
		selected ||= Date.now();
	}
	return selected !== 0 && Date.now() - selected < pause;
}

// check holds what came against what the daemon makes, so that a page for signing in is not taken for it.
function check(page) {
	const edition = page.documentElement.dataset.edition;
	if (!edition || !page.querySelector("main") || !by("at", page)) {
		throw new Error("What answers is not peervane.");
	}
	upgrades = edition === document.documentElement.dataset.edition ? 0 : upgrades + 1;
	if (upgrades > 1) {
		location.reload(); // another edition has another script, and is well
	}
}

function head(page) {
	const told = by("verdict").querySelector("h1").textContent;
	by("verdict").replaceWith(document.adoptNode(by("verdict", page)));
	const now = by("verdict").querySelector("h1").textContent;
	if (told !== now) {
		by("told").textContent = now;
	}
	document.title = page.title;
	const icon = document.querySelector("link[rel=icon]"), next = page.querySelector("link[rel=icon]").getAttribute("href");
	if (icon.getAttribute("href") !== next) {
		icon.setAttribute("href", next);
	}
}

// body takes the sections, and leaves the reader where they are.
function body(page) {
	const open = new Map([...document.querySelectorAll("details")].map((d) => [d.id, d.open]));
	const scrolled = new Map([...document.querySelectorAll("section")].map((s) => [s.id, s.scrollLeft]));
	const focus = document.activeElement?.parentElement?.id;
	for (const section of [...document.querySelectorAll("section")]) {
		const next = by(section.id, page);
		if (next && next.outerHTML !== section.outerHTML) {
			section.replaceWith(document.adoptNode(next));
		}
	}
	for (const d of document.querySelectorAll("details")) {
		d.open = open.get(d.id) ?? d.open;
	}
	for (const [id, left] of scrolled) {
		by(id).scrollLeft = left;
	}
	if (focus?.startsWith("i-")) {
		by(focus)?.firstElementChild.focus({ preventScroll: true });
	}
}

async function look() {
	if (looking) {
		return;
	}
	looking = true;
	try {
		const answer = await fetch(location.pathname, { cache: "no-store", signal: AbortSignal.timeout(patience) });
		const text = await answer.text();
		if (!answer.ok) {
			throw new Error(`It answers ${answer.status}: ${text.slice(0, 200)}`);
		}
		const page = new DOMParser().parseFromString(text, "text/html");
		check(page);
		if (by("at", page).textContent !== by("at").textContent) {
			fresh = Date.now();
			trouble = "";
		} else {
			trouble = "It answers with the same page again and again.";
		}
		const leave = selecting();
		head(page);
		if (!leave) {
			body(page);
		}
	} catch (e) {
		trouble = String(e.message || e);
	} finally {
		looking = false;
		tick();
	}
}

document.body.classList.add("runs");
say("");
setInterval(look, every);
setInterval(tick, 1000);
addEventListener("online", look);
document.addEventListener("visibilitychange", look);
