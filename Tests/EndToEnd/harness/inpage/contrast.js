// Owns the contrast of a page's text by WCAG 2.1, 1.4.3, from computed colours.
// Called by `Window.faint_texts`; its value is a list of {text, ratio, colour, ground, where}.
// Never passes what it cannot compute: text over a picture is listed with ratio null.
((least) => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const pen = canvas.getContext("2d", { willReadFrequently: true });

  // Any CSS colour as [r, g, b, alpha], 0 to 255 and 0 to 1.
  const known = new Map();
  const colour = (css) => {
    if (!known.has(css)) {
      pen.clearRect(0, 0, 1, 1);
      pen.fillStyle = css;
      pen.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
      known.set(css, [r, g, b, a / 255]);
    }
    return known.get(css);
  };
  const over = (top, under) => {
    const part = top[3];
    return [0, 1, 2].map((i) => top[i] * part + under[i] * (1 - part)).concat(1);
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.slice(0, 3).map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (one, other) => {
    const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  };

  const above = (element) =>
    element.assignedSlot || element.parentElement || element.getRootNode().host || null;

  // The canvas of the page: white, or what its colour scheme makes of it.
  const probe = document.createElement("div");
  probe.style.cssText = "background:Canvas;display:none";
  document.documentElement.append(probe);
  const page = colour(getComputedStyle(probe).backgroundColor);
  probe.remove();

  const ground = (element) => {
    const layers = [];
    let fade = 1;
    for (let at = element; at; at = above(at)) {
      const style = getComputedStyle(at);
      fade *= Number(style.opacity);
      if (style.backgroundImage !== "none") return { picture: true };
      const layer = colour(style.backgroundColor);
      if (layer[3] > 0) layers.push(layer);
      if (layer[3] === 1) break;
    }
    return { fade, colour: layers.reverse().reduce((under, top) => over(top, under), page) };
  };

  const visible = (element) =>
    element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) &&
    [...element.getClientRects()].some((box) => box.width > 1 && box.height > 1);

  const faint = [];
  const look = (element, text, css) => {
    const under = ground(element);
    const entry = { text: text.slice(0, 60), where: element.outerHTML.slice(0, 120) };
    if (under.picture) {
      faint.push({ ...entry, ratio: null });
      return;
    }
    const ink = colour(css);
    const shown = over([ink[0], ink[1], ink[2], ink[3] * under.fade], under.colour);
    const value = ratio(shown, under.colour);
    if (value < least) {
      faint.push({ ...entry, ratio: Number(value.toFixed(2)), colour: css, ground: under.colour });
    }
  };

  const ownText = (element) =>
    [...element.childNodes]
      .filter((node) => node.nodeType === Node.TEXT_NODE)
      .map((node) => node.data.trim())
      .join(" ")
      .trim();

  let count = 0;
  const walk = (root) => {
    for (const element of root.querySelectorAll("*")) {
      if (element.shadowRoot) walk(element.shadowRoot);
      if (/^(script|style|template|noscript|title|option)$/i.test(element.localName)) continue;
      if (element.matches(":disabled") || !visible(element)) continue;
      const style = getComputedStyle(element);
      const ink = element instanceof SVGElement ? style.fill : style.color;
      const text = ownText(element);
      if (text) look(element, text, ink);
      if (element.matches("input, textarea, select")) {
        const shown = element.value || element.placeholder;
        const part = element.value ? style : getComputedStyle(element, "::placeholder");
        if (shown && !/^(checkbox|radio|range|color)$/.test(element.type)) {
          look(element, shown, part.color);
        }
      }
      count += 1;
    }
  };
  walk(document);
  return { faint, looked: count };
})
