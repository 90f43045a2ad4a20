// Which groups are taken, which one is painted, and which one a colour is for: what a model with several groups needs, as the
// page of lomit-app has it. With one group nothing of it is shown.

const find = (selector) => document.querySelector(selector);

/** A group's name as a person reads it. */
export const spoken = (name) => name.replaceAll("_", " ");

/** A labelled tick or radio button in a fieldset. */
function choice(fieldset, type, name, group, checked, act) {
  const label = document.createElement("label"), input = document.createElement("input");
  Object.assign(input, { type, name, value: String(group.number), checked });
  input.addEventListener("change", act);
  label.append(input, ` ${spoken(group.name)}`);
  fieldset.append(label);
  return input;
}

/**
 * Fill the page's fieldsets for a model's groups.
 *
 * @param model groups: their names; coloured: numbers of those that take a colour.
 * @param hear taken(), painted() and coloured() are called when a person has chosen otherwise.
 * @returns {show, taken, painted, coloured}: `show` brings the controls in sight; the others give the numbers of the groups
 *   that are taken, of the one that is painted and of the one that a colour is for.
 */
export function groupControls({ groups, coloured }, hear) {
  const all = groups.map((name, number) => ({ name, number })), able = all.filter(({ number }) => coloured.includes(number));
  const [painted, taken, colour] = ["#lomit-painted", "#lomit-taken", "#lomit-colour-group"].map(find);
  const ticks = all.map((group) => choice(taken, "checkbox", "taken", group, true, () => hear.taken()));
  const radios = all.map((group, n) => choice(painted, "radio", "painted", group, n === 0, () => hear.painted()));
  const select = colour.querySelector("select");
  select.append(...able.map(({ name, number }) => new Option(spoken(name), String(number))));
  select.addEventListener("change", () => hear.coloured());
  return {
    show() {
      painted.hidden = taken.hidden = groups.length < 2;
      colour.hidden = able.length < 2;
    },
    taken: () => all.map(({ number }) => number).filter((g) => ticks[g].checked),
    painted: () => radios.findIndex((radio) => radio.checked),
    coloured: () => Number(select.value),
  };
}
