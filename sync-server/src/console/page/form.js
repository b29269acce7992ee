// Shows of a form only what its choices ask for. Without it all of it is shown, and the server takes what applies.

const chosen = (field) => field.type === "checkbox" ? (field.checked ? "yes" : "") : field.value;

for (const form of document.querySelectorAll("form.in")) {
  const parts = [...form.querySelectorAll("[data-of]")];
  const asked = (part) => part.dataset.of.split(" ").every((one) => {
    const [name, value] = one.split("=");
    return chosen(form.elements.namedItem(name)) === value;
  });
  const paint = () => { for (const part of parts) part.hidden = !asked(part); };
  form.addEventListener("change", paint);
  paint();
}

// what is wrong is seen first, wherever on the page it is
(document.querySelector("form.in [aria-invalid]") ?? document.querySelector("form.in [role=alert]"))?.focus();
// a page that tells of a refused form keeps its own address: loading it again sends nothing
if (document.body.dataset.at) history.replaceState(null, "", document.body.dataset.at);
// on a phone the places stand in one row
document.querySelector("nav [aria-current=page]")?.scrollIntoView({ inline: "center", block: "nearest" });
