// A password field: a button shows the password, and its rules are ticked off while it is typed.

for (const button of document.querySelectorAll(".reveal")) {
  const field = document.getElementById(button.getAttribute("aria-controls"));
  const words = button.querySelectorAll("[data-word]");
  const show = (shown) => {
    field.type = shown ? "text" : "password";
    words[0].hidden = shown;
    words[1].hidden = !shown;
  };
  button.hidden = false;
  button.addEventListener("click", () => show(field.type === "password"));
  // Browsers remember what was typed into a text field, so it must be a password field when sent.
  field.form.addEventListener("submit", () => show(false));
}

for (const list of document.querySelectorAll(".rules")) {
  const field = document.getElementById(list.dataset.for);
  field.addEventListener("input", () => {
    for (const rule of list.querySelectorAll("[data-rule]")) {
      const done = new RegExp(rule.dataset.rule).test(field.value);
      rule.classList.toggle("done", done);
      rule.querySelector("span").hidden = !done;
    }
  });
}
