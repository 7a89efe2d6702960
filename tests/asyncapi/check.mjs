// Says what AsyncAPI's own parser finds wrong with a document; ends with 1 if that is an error.
import { readFile } from "node:fs/promises";
import { Parser } from "@asyncapi/parser";

const path = process.argv[2];
const { document, diagnostics } = await new Parser().parse(await readFile(path, "utf8"));
const ERROR = 0;
const errors = diagnostics.filter((one) => one.severity === ERROR);
for (const one of errors) console.error(`${path}: ${one.path.join("/")}: ${one.message}`);
if (document === undefined || errors.length > 0) process.exit(1);
console.log(
  `${path}: AsyncAPI ${document.version()}, ${document.channels().all().length} channels, ` +
    `${document.messages().all().length} messages`,
);
