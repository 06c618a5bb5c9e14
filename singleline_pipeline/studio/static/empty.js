// What to do where there is nothing yet.

/** @param {HTMLElement} element @param {import("./shelf.js").Shelf} shelf that is empty @param {boolean} pages whether there are pages */
export function showEmpty(element, shelf, pages) {
  const title = document.createElement("h2");
  title.textContent = `There are no ${shelf.kind} yet.`;
  const text = document.createElement("p");
  if (pages) text.textContent = "Label some pages as drawings, and press Run.";
  else {
    const [demo, own] = ["singleline demo", "singleline run"].map((command) => {
      const code = document.createElement("code");
      code.textContent = command;
      return code;
    });
    text.append(demo, " makes sample sketchbooks and takes them all the way. Your own: put a folder of scans a sketchbook into the ");
    text.append("sketchbooks folder, then ", own, " or the button Run. This page shows them as soon as they are there.");
  }
  element.replaceChildren(title, text);
}
