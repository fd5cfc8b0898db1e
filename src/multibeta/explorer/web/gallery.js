// Small images to pick one from; the picked one is outlined.
export default function ({ data, parentElement, setStateValue }) {
  const buttons = data.images.map(({ position, src, note }) => {
    const button = document.createElement("button");
    const image = document.createElement("img");
    Object.assign(image, { src, alt: "" });
    Object.assign(button, { type: "button", title: note, ariaLabel: note, ariaPressed: position === data.picked });
    button.append(image);
    button.onclick = () => setStateValue("picked", position);
    return button;
  });
  parentElement.querySelector(".gallery").replaceChildren(...buttons);
}
