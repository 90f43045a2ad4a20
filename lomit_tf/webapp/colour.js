// A colour to add as an exemplar. props.value: {name: "#rrggbb"}, colours to offer. Event "select" with {colour}.
const [pick, text, add, offered] = ["pick", "text", "add"].map((n) => element.querySelector(".colour-" + n))
  .concat(element.querySelector("datalist"));
const choose = () => trigger("select", { colour: text.value });

pick.addEventListener("input", () => { text.value = pick.value; });
text.addEventListener("input", () => { if (/^#[0-9a-f]{6}$/i.test(text.value)) pick.value = text.value; });
text.addEventListener("keydown", (event) => { if (event.key === "Enter") choose(); });
add.addEventListener("click", choose);
offered.replaceChildren(...Object.entries(props.value ?? {}).map(([name, code]) => {
  const option = document.createElement("option");
  option.value = code;
  option.label = name;
  return option;
}));
