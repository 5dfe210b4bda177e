// Every form: a double click sends it once.

// Milliseconds after which a form can be sent again if no answer has come.
const RETRY_AFTER = 8000;

const release = (form) => {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll("button")) button.removeAttribute("aria-disabled");
};

for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "yes";
    // `disabled` would move the focus, and remove the button's name from what is sent.
    for (const button of form.querySelectorAll("button")) button.setAttribute("aria-disabled", "true");
    setTimeout(release, RETRY_AFTER, form);
  });
}

// A browser that goes back shows the page as it was, with its buttons disabled.
addEventListener("pageshow", () => document.querySelectorAll("form").forEach(release));
