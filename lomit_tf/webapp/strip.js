// A row of pictures to choose from. props.value: {chosen, pictures: [{url, name}]} or null. Event "select" with {index}.
// Names come from files, so they are set as text and never as HTML.
const strip = element.querySelector(".strip");
strip.setAttribute("aria-label", props.title);

function fill() {
  const { pictures = [], chosen = null } = props.value ?? {};
  element.querySelector(".strip-title").textContent = props.named && pictures.length ? props.title : "";
  strip.replaceChildren(...pictures.map(({ url, name }, index) => {
    const button = document.createElement("button"), picture = document.createElement("img");
    button.type = "button";
    button.setAttribute("role", "option");
    button.setAttribute("aria-selected", index === chosen);
    button.setAttribute("aria-label", name);
    button.title = name;
    picture.src = url;
    picture.alt = "";
    button.append(picture);
    if (props.named) {
      const caption = document.createElement("span");
      caption.textContent = name;
      button.append(caption);
    }
    button.addEventListener("click", () => trigger("select", { index }));
    return button;
  }));
}

watch("value", fill);
fill();
