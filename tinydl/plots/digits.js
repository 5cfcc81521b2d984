// The network, the drawing, and what is seen of both. digits.py writes the data; digits.html has the places.
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const byId = id => document.getElementById(id);
const SIDE = data.side;

// ---- the network: a value is its numbers, in float64, and the shape of them ----

const numbers = text => Float64Array.from(new Float32Array(Uint8Array.from(atob(text), c => c.charCodeAt(0)).buffer));
for (const layer of data.layers)
  for (const name of ["weight", "bias", "mean", "scale", "factor"])
    if (name in layer) layer[name] = numbers(layer[name]);

const sigmoid = v => 1 / (1 + Math.exp(-v));
const softplus = v => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v)));
const elu = (v, alpha) => v > 0 ? v : alpha * Math.expm1(v);
function normalCdf(v) {  // ½ + φ(v)·(v + v³/3 + v⁵/(3·5) + …), which has no differences in it
  if (Math.abs(v) > 8) return v > 0 ? 1 : 0;
  let term = v, sum = v;
  for (let k = 3; Math.abs(term) > 1e-17 * Math.abs(sum); k += 2) sum += term *= v * v / k;
  return 0.5 + sum * Math.exp(-v * v / 2) / Math.sqrt(2 * Math.PI);
}
const OF_A_NUMBER = {
  ReLU: v => Math.max(v, 0),
  LeakyReLU: (v, l) => v > 0 ? v : v * l.negative_slope,
  ELU: (v, l) => elu(v, l.alpha),
  SELU: v => 1.0507009873554805 * elu(v, 1.6732632423543772),
  CELU: (v, l) => v > 0 ? v : l.alpha * Math.expm1(v / l.alpha),
  PReLU: (v, l, channel) => v > 0 ? v : v * l.weight[l.weight.length > 1 ? channel : 0],
  GELU: (v, l) => v * (l.approximate === "none" ? normalCdf(v)
    : 0.5 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)))),
  SiLU: v => v * sigmoid(v),
  Mish: v => v * Math.tanh(softplus(v)),
  Sigmoid: sigmoid,
  Tanh: Math.tanh,
  Hardtanh: (v, l) => Math.min(Math.max(v, l.min_val), l.max_val),
  Softsign: v => v / (1 + Math.abs(v)),
  LogSigmoid: v => -softplus(-v),
  Softplus: (v, l) => softplus(l.beta * v) / l.beta,
  BatchNorm1d: (v, l, channel) => (v - l.mean[channel]) * l.scale[channel] + l.bias[channel],
};
OF_A_NUMBER.BatchNorm2d = OF_A_NUMBER.BatchNorm1d;
const PASSED_ON = ["Flatten", "Dropout", "Dropout2d", "Identity"];  // as they are; Flatten in another shape

function linear(l, x) {
  const wide = x.shape.at(-1), out = l.bias.length;
  return Float64Array.from({length: x.numbers.length / wide * out}, (_, at) => {
    const o = at % out, first = (at - o) / out * wide;
    let sum = l.bias[o];
    for (let i = 0; i < wide; i++) sum += l.weight[o * wide + i] * x.numbers[first + i];
    return sum;
  });
}

// Each number of a map sees some rows and columns of the maps before it: f(output channel, rows, columns) for each.
function overWindows(l, f) {
  const [channels] = l.shape, y = [];
  for (let o = 0; o < channels; o++) for (const rows of l.rows) for (const columns of l.columns) y.push(f(o, rows, columns));
  return Float64Array.from(y);
}
function conv(l, x) {
  const [channels, height, width] = x.shape, [out] = l.shape, each = channels / l.groups;
  return overWindows(l, (o, rows, columns) => {
    const first = Math.floor(o / (out / l.groups)) * each;
    let sum = l.bias[o], at = o * each * rows.length * columns.length;
    for (let c = first; c < first + each; c++)
      for (const i of rows)
        for (const j of columns) {
          if (i >= 0 && j >= 0) sum += l.weight[at] * x.numbers[(c * height + i) * width + j];
          at++;
        }
    return sum;
  });
}
function pool(l, x) {
  const [, height, width] = x.shape, places = l.rows.length * l.columns.length;
  let at = 0;
  return overWindows(l, (o, rows, columns) => {
    let sum = 0, most = -Infinity;
    for (const i of rows)
      for (const j of columns)
        if (i >= 0 && j >= 0) {
          const v = x.numbers[(o * height + i) * width + j];
          sum += v;
          most = Math.max(most, v);
        }
    return l.factor ? sum * l.factor[at++ % places] : most;
  });
}
const OF_A_LAYER = {Linear: linear, Conv2d: conv, MaxPool2d: pool, AvgPool2d: pool, AdaptiveAvgPool2d: pool};

function applied(layer, x) {
  const {kind, shape} = layer, f = OF_A_NUMBER[kind];
  if (PASSED_ON.includes(kind)) return {shape, numbers: x.numbers};
  if (!f) return {shape, numbers: OF_A_LAYER[kind](layer, x)};
  const channels = shape[0], each = x.numbers.length / channels;
  return {shape, numbers: x.numbers.map((v, i) => f(v, layer, Math.floor(i / each)))};
}

// What each layer makes of an image of SIDE × SIDE numbers, the image first.
function run(pixels) {
  const values = [{shape: data.image, numbers: Float64Array.from(pixels)}];
  for (const layer of data.layers) values.push(applied(layer, values.at(-1)));
  return values;
}
window.predict = pixels => {
  if (pixels.length !== SIDE * SIDE || !Array.from(pixels).every(Number.isFinite))
    throw new RangeError(`predict takes an array of ${SIDE * SIDE} finite numbers, row by row`);
  return Array.from(run(pixels).at(-1).numbers);
};
function softmax(scores) {
  const most = Math.max(...scores), e = scores.map(v => Math.exp(v - most)), sum = e.reduce((a, b) => a + b);
  return e.map(v => v / sum);
}

// ---- the drawing: 128 × 128 bits, as NIST's were ----

const BOARD = 128, CELL = 8, PEN = 6.5, RUBBER = 9;
let bits = new Uint8Array(BOARD * BOARD), erasing = false, cursor = [8, 8], before = [];

const keep = () => { before.push(bits.slice()); if (before.length > 200) before.shift(); };
function stroke([x0, y0], [x1, y1]) {  // all that is near enough to the line between two points
  const radius = erasing ? RUBBER : PEN, long = (x1 - x0) ** 2 + (y1 - y0) ** 2;
  for (let y = 0; y < BOARD; y++)
    for (let x = 0; x < BOARD; x++) {
      const t = long ? Math.min(1, Math.max(0, ((x + 0.5 - x0) * (x1 - x0) + (y + 0.5 - y0) * (y1 - y0)) / long)) : 0;
      if (Math.hypot(x0 + t * (x1 - x0) - x - 0.5, y0 + t * (y1 - y0) - y - 0.5) <= radius) bits[y * BOARD + x] = erasing ? 0 : 1;
    }
}
const cellIsFull = ([i, j]) => bits[(i * CELL + CELL / 2) * BOARD + j * CELL + CELL / 2];
function fillCell([i, j], ink) {
  for (let y = i * CELL; y < (i + 1) * CELL; y++) bits.fill(ink, y * BOARD + j * CELL, y * BOARD + (j + 1) * CELL);
}

// ---- from the drawing to the network's pixels ----

const empty = side => Array.from({length: side}, () => new Array(side).fill(0));
function box() {  // [top, left, height, width] of what is drawn, null if nothing is
  let top = BOARD, left = BOARD, bottom = -1, right = -1;
  bits.forEach((bit, at) => {
    if (!bit) return;
    const y = Math.floor(at / BOARD), x = at % BOARD;
    top = Math.min(top, y); bottom = Math.max(bottom, y); left = Math.min(left, x); right = Math.max(right, x);
  });
  return bottom < 0 ? null : [top, left, bottom - top + 1, right - left + 1];
}
// The second normalisation of NIST's form-based handprint recognition system (Garris et al., NISTIR 5469, 1994), of which
// the digits are that sklearn and tinydl have: stretched to 20 × 32 bits, made thinner or thicker until the ink is as much
// as in most, sheared until the left edge is upright. But here nothing becomes wider than it is, or a 1 in one stroke would
// be a block, and nothing more than twice as high.
function normalised([top, left, height, width]) {
  const N = 32, wide = Math.max(1, Math.min(20, Math.round(width * N / height)));
  const tall = Math.max(1, Math.min(N, Math.round(2 * height * 20 / width)));
  let image = empty(N);
  const above = (N - tall) >> 1, beside = (N - wide) >> 1;
  for (let i = 0; i < tall; i++)
    for (let j = 0; j < wide; j++)
      image[above + i][beside + j] = bits[(top + Math.floor((i + 0.5) * height / tall)) * BOARD + left + Math.floor((j + 0.5) * width / wide)];
  const ink = image.flat().reduce((a, b) => a + b);
  const turns = ink > 560 || ink < 108 ? 2 : ink > 412 || ink < 256 ? 1 : 0;
  for (let k = 0; k < turns; k++) image = grown(image, ink < 256 ? 1 : 0);
  return sheared(image);
}
const grown = (image, ink) => image.map((row, i) => row.map((bit, j) =>  // where a neighbour is so, it becomes so too
  [[i - 1, j], [i + 1, j], [i, j - 1], [i, j + 1]].some(([a, b]) => (image[a]?.[b] ?? 0) === ink) ? ink : bit));
function sheared(image) {
  const rows = image.flatMap((row, i) => row.includes(1) ? [i] : []), [first, last] = [rows[0] + 2, rows.at(-1) - 2];
  const lean = last > first ? (image[first].indexOf(1) - image[last].indexOf(1)) / (last - first) : 0;
  if (rows.length < 6 || !image[first].includes(1) || !image[last].includes(1)) return image;
  return image.map((row, i) => {
    const by = Math.round((i - image.length / 2) * lean);
    return row.map((_, j) => row[j - by] ?? 0);
  });
}
function counted(image) {  // the part of each block of 4 × 4 bits that is ink
  const pixels = new Array(64).fill(0);
  image.forEach((row, i) => row.forEach((bit, j) => { pixels[(i >> 2) * 8 + (j >> 2)] += bit / 16; }));
  return pixels;
}
// As MNIST was made: the longer side of the box is 20/28 of the image, and the centre of the ink is the middle.
function centred([top, left, height, width]) {
  const scale = Math.max(height, width) / (SIDE * 20 / 28), fine = 4, ink = [];
  bits.forEach((bit, at) => { if (bit) ink.push([Math.floor(at / BOARD) + 0.5, at % BOARD + 0.5]); });
  const [y, x] = [0, 1].map(axis => ink.reduce((sum, p) => sum + p[axis], 0) / ink.length), pixels = new Array(SIDE * SIDE).fill(0);
  for (let i = 0; i < SIDE * fine; i++)
    for (let j = 0; j < SIDE * fine; j++) {
      const [a, b] = [y + ((i + 0.5) / fine - SIDE / 2) * scale, x + ((j + 0.5) / fine - SIDE / 2) * scale].map(Math.floor);
      if (a >= 0 && b >= 0 && a < BOARD && b < BOARD && bits[a * BOARD + b]) pixels[Math.floor(i / fine) * SIDE + Math.floor(j / fine)] += 1 / fine ** 2;
    }
  return pixels;
}
function pixelsOf(where) {
  return where === null ? new Array(SIDE * SIDE).fill(0) : SIDE === 8 ? counted(normalised(where)) : centred(where);
}

// ---- what is seen ----

function el(tag, attributes = {}, ...children) {  // text never becomes HTML
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  e.append(...children);
  return e;
}
const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).split(",").map(Number);
const shade = (from, to, t) => `rgb(${from.map((v, k) => Math.round(v + (to[k] - v) * t)).join(",")})`;
const round = v => Number(v.toPrecision(3)).toString().replace("-", "−");
const MAPS = 64, UNITS = 4096;  // are shown at most

// Images side by side, [height, width] each, with 0 in the middle of the colours and `most` at their ends.
function drawMaps(canvas, maps, height, width, most, ink = false) {
  const across = Math.min(maps.length, width > 16 ? 4 : 8), down = Math.ceil(maps.length / across);
  const dot = Math.max(2, Math.floor(352 / (across * (width + 1)))), gap = maps.length > 1 ? dot : 0;
  canvas.width = across * (width * dot + gap) - gap;
  canvas.height = down * (height * dot + gap) - gap;
  const pen = canvas.getContext("2d"), zero = colour(ink ? "--paper" : "--zero"), low = colour("--low"), high = colour(ink ? "--pen" : "--high");
  maps.forEach((map, m) => {
    const x = (m % across) * (width * dot + gap), y = Math.floor(m / across) * (height * dot + gap);
    map.forEach((v, k) => {
      pen.fillStyle = shade(zero, v < 0 ? low : high, most ? Math.min(1, Math.abs(v) / most) : 0);
      pen.fillRect(x + (k % width) * dot, y + Math.floor(k / width) * dot, dot, dot);
    });
  });
}
const largest = values => values.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
function drawLayer(canvas, {shape, numbers: found}, most) {
  const last = shape.slice(-2), images = shape.length > 1;
  const [height, width] = images ? last : grid(Math.min(found.length, UNITS));
  const each = height * width, maps = [];
  for (let at = 0; at < found.length && maps.length < (images ? MAPS : 1); at += each) maps.push(Array.from(found.slice(at, at + each)));
  drawMaps(canvas, maps, height, width, most);
}
const grid = n => { const width = n <= 16 ? n : 2 ** Math.ceil(Math.log2(Math.sqrt(n * 2))); return [Math.ceil(n / width), width]; };

const shapeText = shape => shape.length === 3 ? `${shape[0]} ${shape[0] === 1 ? "map" : "maps"} of ${shape[1]} × ${shape[2]}`
  : shape.length === 1 ? `${shape[0]} ${shape[0] === 1 ? "number" : "numbers"}` : shape.join(" × ");
const DOES = {
  Linear: "each is a weighted sum of all the numbers before",
  Conv2d: "each map looks everywhere for a small pattern of its own",
  MaxPool2d: "the largest number of each window",
  AvgPool2d: "the mean of each window",
  AdaptiveAvgPool2d: "the mean of each part",
  BatchNorm1d: "brought to one scale, as learned in training",
  BatchNorm2d: "brought to one scale, as learned in training",
  ReLU: "what is below 0 becomes 0",
  Flatten: "the same numbers in one row",
  Dropout: "passes on all that it is given; it drops numbers while training only",
  Dropout2d: "passes on all that it is given; it drops maps while training only",
  Identity: "passes on what it is given",
};
const figures = data.layers.map((layer, k) => {
  const parts = [PASSED_ON.includes(layer.kind) ? "" : shapeText(layer.shape), DOES[layer.kind]];
  if (layer.shape.length === 3 && layer.shape[0] > MAPS) parts.push(`the first ${MAPS} are shown`);
  if (k === data.layers.length - 1) parts.push("one for each answer, in their order");
  const said = el("p", {class: "small"}, parts.filter(Boolean).join("; "));
  const figure = el("div", {class: "layer"}, el("h3", {}, [layer.name, layer.title].filter(Boolean).join(" · ")), said);
  byId("layers").append(figure);
  if (PASSED_ON.includes(layer.kind)) return null;
  const canvas = el("canvas", {role: "img"}), range = el("div", {class: "range"});
  figure.append(canvas, range);
  return {canvas, range};
});
function legend(where, most) {
  where.replaceChildren(...(most ? [`−${round(most)}`, el("span", {class: "legend"}), round(most)] : ["all 0"]));
}

const bars = data.classes.map(name => {
  const bar = el("span", {class: "bar"}), share = el("span", {class: "share"});
  const row = el("li", {}, el("span", {class: "name"}, name), el("span", {class: "track"}, bar), share);
  byId("answers").append(row);
  return {row, bar, share};
});
const percent = p => `${p > 0.995 && p < 1 ? (100 * p).toFixed(1) : Math.round(100 * p)} %`;

let shown = null, timer = null;
function update() {  // after whatever changed the drawing
  const where = box(), values = run(pixelsOf(where)), scores = Array.from(values.at(-1).numbers), shares = softmax(scores);
  const winner = scores.indexOf(Math.max(...scores));
  shown = {where, values, winner, matters: null};
  bars.forEach(({row, bar, share}, k) => {
    bar.style.width = where ? `${100 * shares[k]}%` : "0";
    share.textContent = where ? percent(shares[k]) : "–";
    row.className = where && k === winner ? "winner" : "";
    row.title = where ? `output ${round(scores[k])}` : "";
  });
  byId("says").textContent = where ? `It says ${data.classes[winner]} (${percent(shares[winner])})` : "Nothing is drawn yet";
  byId("undo").disabled = !before.length;
  byId("clear").disabled = !where;
  clearTimeout(timer);
  timer = setTimeout(() => look(shown, 0, new Array(SIDE * SIDE).fill(0)), 120);
  draw();
}
// Occlusion: how much the winner's output falls without each pixel. Some at a time, so that one can draw on meanwhile.
function look(of, at, matters) {
  if (of !== shown || !of.where) return;
  const pixels = Array.from(of.values[0].numbers), score = of.values.at(-1).numbers[of.winner], until = performance.now() + 12;
  for (; at < pixels.length && performance.now() < until; at++)
    if (pixels[at]) matters[at] = score - predict(pixels.map((v, k) => k === at ? 0 : v))[of.winner];
  if (at < pixels.length) { timer = setTimeout(() => look(of, at, matters)); return; }
  of.matters = matters;
  draw();
}
function drawBoard() {
  const pen = byId("board").getContext("2d"), picture = pen.createImageData(BOARD, BOARD);
  const colours = ["--paper", "--pen"].map(name => [...colour(name), 255]);
  bits.forEach((bit, at) => picture.data.set(colours[bit], 4 * at));
  pen.putImageData(picture, 0, 0);
  const mark = byId("cursor").style;
  [mark.top, mark.left] = cursor.map(v => `${100 * v * CELL / BOARD}%`);
  mark.width = mark.height = `${100 * CELL / BOARD}%`;
}
function draw() {
  drawBoard();
  const {where, values, winner, matters} = shown;
  drawMaps(byId("seen"), [Array.from(values[0].numbers)], SIDE, SIDE, 1, true);
  const most = matters ? largest(matters) : 0;
  drawMaps(byId("matters"), [matters || new Array(SIDE * SIDE).fill(0)], SIDE, SIDE, most);
  byId("matters-range").replaceChildren();
  if (matters) legend(byId("matters-range"), most);
  byId("matters-says").textContent = where ? `Occlusion: each pixel in turn is made empty. Without an orange one the output for ${data.classes[winner]} falls, without a blue one it rises, by so much.` : "";
  figures.forEach((figure, k) => {
    if (!figure) return;
    const value = values[k + 1], most = where ? largest(value.numbers) : 0;
    drawLayer(figure.canvas, value, most);
    figure.canvas.setAttribute("aria-label", where ? `${shapeText(value.shape)}, the largest ${round(most)}` : "nothing is drawn yet");
    where ? legend(figure.range, most) : figure.range.replaceChildren();
  });
}

// ---- mouse, finger, keyboard ----

const board = byId("board-box");
let last = null, waiting = false;
function soon() {  // while a line is drawn, the network answers once for each picture on the screen
  drawBoard();
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; update(); });
}
const at = event => {
  const r = byId("board").getBoundingClientRect();
  return [(event.clientX - r.left) * BOARD / r.width, (event.clientY - r.top) * BOARD / r.height];
};
board.addEventListener("pointerdown", event => {
  if (event.button) return;
  board.setPointerCapture(event.pointerId);
  keep();
  last = at(event);
  stroke(last, last);
  update();
});
board.addEventListener("pointermove", event => {
  if (!last) return;
  for (const e of event.getCoalescedEvents?.().length ? event.getCoalescedEvents() : [event]) {
    stroke(last, at(e));
    last = at(e);
  }
  soon();
});
for (const end of ["pointerup", "pointercancel"]) board.addEventListener(end, () => { last = null; update(); });

const MOVES = {ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1]};
board.addEventListener("keydown", event => {
  const move = MOVES[event.key];
  if (event.ctrlKey || event.metaKey || event.altKey || (!move && event.key !== " ")) return;
  event.preventDefault();
  if (move) cursor = cursor.map((v, k) => Math.min(BOARD / CELL - 1, Math.max(0, v + move[k])));
  if (event.key === " " || event.shiftKey) {
    keep();
    fillCell(cursor, move ? Number(!erasing) : Number(!cellIsFull(cursor)));
    update();
  } else drawBoard();
  byId("cell").textContent = `row ${cursor[0] + 1}, column ${cursor[1] + 1}: ${cellIsFull(cursor) ? "ink" : "empty"}`;
});
function undo() {
  if (before.length) bits = before.pop();
  update();
}
function clear() {
  keep();
  bits = new Uint8Array(BOARD * BOARD);
  update();
}
function rubber(on) {
  erasing = on;
  byId("pen").setAttribute("aria-pressed", String(!on));
  byId("eraser").setAttribute("aria-pressed", String(on));
}
byId("undo").addEventListener("click", undo);
byId("clear").addEventListener("click", clear);
byId("pen").addEventListener("click", () => rubber(false));
byId("eraser").addEventListener("click", () => rubber(true));
addEventListener("keydown", event => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") { event.preventDefault(); undo(); }
});

// ---- light and dark ----

const dark = matchMedia("(prefers-color-scheme: dark)");
function theme(name) {
  document.documentElement.dataset.theme = name;
  byId("theme").textContent = name === "dark" ? "light" : "dark";
  draw();
}
const ofSystem = () => theme(dark.matches ? "dark" : "light");
dark.addEventListener("change", ofSystem);
byId("theme").addEventListener("click", () => theme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));

byId("seen-says").textContent = `${SIDE} × ${SIDE} pixels: cut out, ${SIDE === 8 ? "stretched and set upright, as tl.data.digits() are" : "scaled and centred, as MNIST's are"}.`;
byId("summary").textContent = `A network of ${data.weights.toLocaleString("en")} weights runs in this page. Nothing is sent anywhere.`;
update();
ofSystem();
