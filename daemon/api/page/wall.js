// The daemon makes the page; this takes a new one every few seconds. When none comes it says so, and greys out what stands: a wall
// that shows yesterday's calm is worse than none.
"use strict";

const every = 5000; // ms
const patience = 10000;
let heard = Date.now();

function opened() {
	return new Set([...document.querySelectorAll("details[open]")].map((d) => d.id));
}

// selecting says whether somebody is about to copy something: that would be taken away under their hands.
function selecting() {
	const s = getSelection();
	return s && !s.isCollapsed && document.querySelector("main").contains(s.anchorNode);
}

function say(text) {
	const lost = document.getElementById("lost");
	lost.textContent = text;
	lost.hidden = text === "";
}

function take(page) {
	const fresh = page.querySelector("main");
	if (!fresh) {
		throw new Error("what answers is not the daemon");
	}
	if (page.documentElement.dataset.version !== document.documentElement.dataset.version) {
		location.reload(); // another version has another script
		return;
	}
	const open = opened();
	const focus = document.activeElement && document.activeElement.parentElement ? document.activeElement.parentElement.id : "";
	document.querySelector("main").replaceWith(document.adoptNode(fresh));
	for (const d of document.querySelectorAll("details")) {
		d.open = open.has(d.id);
	}
	if (focus) {
		document.querySelector("#" + CSS.escape(focus) + " > summary")?.focus({ preventScroll: true });
	}
	document.title = page.title;
	document.querySelector("link[rel=icon]").href = page.querySelector("link[rel=icon]").href;
}

async function look() {
	try {
		const answer = await fetch(location.pathname, { cache: "no-store", signal: AbortSignal.timeout(patience) });
		if (!answer.ok) {
			throw new Error("it answers " + answer.status);
		}
		const page = new DOMParser().parseFromString(await answer.text(), "text/html");
		if (selecting()) {
			heard = Date.now();
			say("Paused while text is selected.");
			document.body.classList.remove("stale");
			return;
		}
		take(page);
		heard = Date.now();
		say("");
		document.body.classList.remove("stale");
	} catch (e) {
		const since = document.getElementById("at").textContent;
		const seconds = Math.round((Date.now() - heard) / 1000);
		say(`No contact with peervane for ${seconds} s: what stands here was true at ${since}.`);
		document.title = "✕ no contact – " + document.title.replace(/^✕ no contact – /, "");
		document.body.classList.add("stale");
	} finally {
		setTimeout(look, every);
	}
}

setTimeout(look, every);
