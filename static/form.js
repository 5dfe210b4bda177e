// Every form: a double click sends once, and a slip in a common domain is pointed out.

// A page whose answer does not come can be sent again after this while.
const PATIENCE = 8000;
// Milliseconds without a key after which an address is taken as written.
const PAUSE = 700;

const release = (form) => {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll("button")) button.removeAttribute("aria-disabled");
};

for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "yes";
    // Not `disabled`, which would take the focus away, and the button's name out of the form.
    for (const button of form.querySelectorAll("button")) button.setAttribute("aria-disabled", "true");
    setTimeout(release, PATIENCE, form);
  });
}

// Whoever comes back finds the page as it was left.
addEventListener("pageshow", () => document.querySelectorAll("form").forEach(release));

// One letter missing, too many or wrong, or two in the wrong order; as signup/typos.py has it.
const isSlip = (typed, meant) => {
  if (typed === meant) return false;
  let start = 0, end = 0;
  while (start < Math.min(typed.length, meant.length) && typed[start] === meant[start]) start += 1;
  [typed, meant] = [typed.slice(start), meant.slice(start)];
  while (end < Math.min(typed.length, meant.length) && typed.at(-1 - end) === meant.at(-1 - end)) end += 1;
  [typed, meant] = [typed, meant].map((rest) => rest.slice(0, rest.length - end));
  return Math.max(typed.length, meant.length) < 2 || (typed.length === 2 && typed === meant[1] + meant[0]);
};

const parts = (domain) => [domain.split(".")[0], domain.split(".").slice(1).join(".")];

const meantFor = (email, domains) => {
  const [, local, domain] = email.trim().match(/^(.+)@([^@]+)$/) ?? [];
  if (!domain || domains.includes(domain.toLowerCase())) return "";
  const [name, end] = parts(domain.toLowerCase());
  const found = domains.find((candidate) => {
    const [rightName, rightEnd] = parts(candidate);
    const inName = end === rightEnd && isSlip(name, rightName);
    const inEnd = name === rightName && rightEnd === "com" && isSlip(end, "com");
    return rightName.length > 4 && (inName || inEnd);
  });
  return found ? `${local}@${found}` : "";
};

for (const hint of document.querySelectorAll("[data-domains]")) {
  const field = document.getElementById(hint.dataset.for);
  const button = hint.querySelector("button");
  const suggest = () => {
    button.textContent = meantFor(field.value, hint.dataset.domains.split(" "));
    hint.hidden = !button.textContent;
  };
  // Never when the field is left by a click: what comes and goes would push its target away.
  let pause;
  field.addEventListener("blur", () => clearTimeout(pause));
  field.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(suggest, PAUSE);
  });
  field.addEventListener("keydown", (event) => event.key === "Tab" && suggest());
  button.addEventListener("click", () => {
    field.value = button.textContent;
    hint.hidden = true;
    field.focus();
  });
}
