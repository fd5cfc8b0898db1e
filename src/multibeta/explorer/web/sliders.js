// Sliders and the images they move. While one is moved, its newest position is sent as soon as the last answer has come:
// images follow the hand, and moves never queue up.
const PATIENCE = 2000; // ms until an answer counts as lost

export default function ({ data, parentElement, setStateValue }) {
  const own = (parentElement.own ??= { start: null, number: 0, waiting: false, again: false });

  const send = () => {
    if (own.waiting) {
      own.again = true;
      return;
    }
    own.waiting = true;
    own.again = false;
    own.number += 1;
    own.setStateValue("moved", { start: own.start, number: own.number, values: own.values });
    clearTimeout(own.timer);
    own.timer = setTimeout(answered, PATIENCE);
  };
  const answered = () => {
    own.waiting = false;
    clearTimeout(own.timer);
    if (own.again) send();
  };
  own.setStateValue = setStateValue;
  const find = (name) => parentElement.querySelector(name);

  if (own.start !== data.start) {
    Object.assign(own, { start: data.start, number: data.number, again: false });
    // A range rounds to its steps; a latent that no hand has moved keeps its exact value.
    own.values = data.sliders.map((slider) => slider.now);
    const inputs = data.sliders.map((slider, i) =>
      sliderOf(slider, (value) => {
        own.values[i] = value;
        send();
      }),
    );
    find(".sliders").replaceChildren(...inputs.map((input) => input.parentElement));
    find(".reset").onclick = () => {
      own.values = data.sliders.map((slider) => slider.start);
      inputs.forEach((input, i) => show(input, own.values[i]));
      send();
    };
    answered();
  }
  find(".took").textContent = data.took;
  const tiles = find(".tiles");
  if (tiles.children.length !== data.tiles.length) tiles.replaceChildren(...data.tiles.map(tile));
  data.tiles.forEach(({ title, note, src }, i) => {
    const [image, caption, small] = tiles.children[i].children;
    image.src = src;
    image.alt = title;
    caption.textContent = title;
    small.textContent = note;
  });
  if (own.waiting && data.number === own.number) answered();
}

function sliderOf({ latent, note, now, reach, step }, moved) {
  const label = document.createElement("label");
  const [name, input, value, small] = ["b", "input", "output", "small"].map((each) => document.createElement(each));
  name.textContent = `z${latent}`;
  Object.assign(input, { type: "range", min: -reach, max: reach, step, ariaLabel: `z${latent}` });
  small.textContent = note;
  label.append(name, input, value, small);
  show(input, now);
  input.oninput = () => {
    show(input, Number(input.value));
    moved(Number(input.value));
  };
  return input;
}

function show(input, value) {
  input.value = value;
  input.nextElementSibling.textContent = value.toFixed(2).replace("-", "−");
}

function tile() {
  const figure = document.createElement("figure");
  figure.append(...["img", "figcaption", "small"].map((name) => document.createElement(name)));
  return figure;
}
