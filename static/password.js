// A password: shown on demand, its rules ticked off while it is typed, and its strength.

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
  // Browsers keep what was typed into a field of text.
  field.form.addEventListener("submit", () => show(false));
}

const KINDS = [[/[a-z]/, 26], [/[A-Z]/, 26], [/[0-9]/, 10], [/[^a-zA-Z0-9]/, 33]];
// What people take first counts as one letter each.
const COMMON = ["password", "passwort", "qwerty", "azerty", "qwertz", "welcome", "letmein", "admin", "strapi"];
// Bits from which a password is fair, good, strong.
const LEVELS = [40, 58, 75];

const strength = (password, words) => {
  let rest = password;
  for (const word of words) rest = rest.replaceAll(new RegExp(word, "gi"), "*");
  const codes = [...rest].map((letter) => letter.codePointAt(0));
  // A letter that repeats or follows the one before it adds nothing: aaa, abc, 321.
  const fresh = codes.filter((code, at) => at === 0 || Math.abs(code - codes[at - 1]) > 1).length;
  const pool = KINDS.reduce((sum, [kind, size]) => sum + (kind.test(password) ? size : 0), 1);
  const bits = fresh * Math.log2(pool);
  return 1 + LEVELS.filter((level) => bits >= level).length;
};

const quoted = (word) => word.replace(/[^\p{L}\p{N}]/gu, "\\$&");

for (const meter of document.querySelectorAll(".strength")) {
  const field = document.getElementById(meter.dataset.for);
  const rules = document.querySelectorAll(`#${field.id}-hint [data-rule]`);
  const words = meter.querySelectorAll("[data-word]");
  const own = () => [...field.form.querySelectorAll("input:not([type=hidden])")]
    .filter((other) => other !== field)
    .flatMap((other) => other.value.split(/[@.\s]/))
    .filter((word) => word.length > 2);
  field.addEventListener("input", () => {
    let kept = true;
    for (const rule of rules) {
      const done = new RegExp(rule.dataset.rule).test(field.value);
      kept &&= done;
      rule.classList.toggle("done", done);
      rule.querySelector("span").hidden = !done;
    }
    const level = kept ? strength(field.value, [...COMMON, ...own()].map(quoted)) : 1;
    meter.hidden = !field.value;
    meter.dataset.level = level;
    words.forEach((word, at) => { word.hidden = at !== level - 1; });
  });
}
