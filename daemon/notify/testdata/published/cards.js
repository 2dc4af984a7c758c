// Reads a list of messages to Teams from standard input, gives their cards to Microsoft's own parser, and tells what is wrong:
// the number of the message, and the parser's words.
const fs = require("node:fs");
const path = require("node:path");

// The package says that it is a module, and this file of it is none: require refuses it.
const library = { exports: {} };
const source = fs.readFileSync(path.join(process.argv[2], "node_modules/adaptivecards/dist/adaptivecards.js"), "utf8");
new Function("module", "exports", "require", source)(library, library.exports, require);
const { AdaptiveCard, SerializationContext, Version } = library.exports;

function wrong(content) {
  const context = new SerializationContext(Version.parse(content.version, new SerializationContext()));
  const card = new AdaptiveCard();
  card.parse(content, context);
  const messages = [...Array(context.eventCount).keys()].map((i) => context.getEventAt(i).message);
  messages.push(...card.validateProperties().validationEvents.map((event) => event.message));
  if (card.getItemCount() !== content.body.length) {
    messages.push(`${card.getItemCount()} of ${content.body.length} elements were read`);
  }
  return messages;
}

JSON.parse(fs.readFileSync(0, "utf8")).forEach((message, i) => {
  for (const { content } of message.attachments) {
    for (const text of wrong(content)) {
      console.log(`${i}: ${text}`);
    }
  }
});
