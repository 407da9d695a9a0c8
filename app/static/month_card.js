// Draws month cards, of which only formatted texts and shares are known here, and saves them as pictures.
{
  const WIDTH = 1200;
  const HEIGHT = 630;
  const LEFT = 72;
  const RIGHT = 1128;
  const COLUMN = 700;
  const THEMES = {
    light: {
      from: "#FFFFFF",
      to: "#E9E7FD",
      ink: "#14181F",
      muted: "#5B6472",
      accent: "#4338CA",
      line: "#D9D7F2",
      levels: ["#ECEBFA", "#C9C5F8", "#A09AF2", "#6F66EB", "#3E34BE"],
      series: ["#4F46E5", "#0EA5A4", "#F59E0B", "#E0457B"],
    },
    dark: {
      from: "#0E1116",
      to: "#1D1A3D",
      ink: "#E8ECF2",
      muted: "#A3ACBA",
      accent: "#A9A4FF",
      line: "#34325C",
      levels: ["#20233A", "#37347A", "#544EB4", "#7F78E8", "#B9B5FF"],
      series: ["#8B85FF", "#2DD4BF", "#FBBF24", "#F472A8"],
    },
  };
  const font = (size, weight) => `${weight} ${size}px Inter, system-ui, sans-serif`;

  const makePen = (context) => ({
    text(words, x, y, size, weight, colour, options = {}) {
      context.font = font(size, weight);
      context.fillStyle = colour;
      context.textAlign = options.align ?? "left";
      context.letterSpacing = `${options.spacing ?? 0}px`;
      // A long text becomes narrower at its end, not smaller: figures keep their size.
      let shown = words;
      while (options.most && shown.length > 1 && context.measureText(shown).width > options.most)
        shown = `${shown.slice(0, -2).trimEnd()}…`;
      context.fillText(shown, x, y);
    },
    box(x, y, width, height, radius, colour, isHollow = false) {
      context.beginPath();
      context.roundRect(x, y, width, height, radius);
      if (isHollow) {
        context.strokeStyle = colour;
        context.lineWidth = 1.5;
        context.stroke();
      } else {
        context.fillStyle = colour;
        context.fill();
      }
    },
  });

  const drawGround = (context, theme) => {
    const ground = context.createLinearGradient(0, 0, WIDTH, HEIGHT);
    ground.addColorStop(0.35, theme.from);
    ground.addColorStop(1, theme.to);
    context.fillStyle = ground;
    context.fillRect(0, 0, WIDTH, HEIGHT);
    const glow = context.createRadialGradient(1010, 60, 0, 1010, 60, 470);
    glow.addColorStop(0, "rgba(98,89,234,.17)");
    glow.addColorStop(0.7, "rgba(98,89,234,.03)");
    glow.addColorStop(1, "rgba(98,89,234,0)");
    context.fillStyle = glow;
    context.fillRect(0, 0, WIDTH, HEIGHT);
  };

  const drawHead = (pen, theme, card) => {
    pen.box(LEFT, 54, 40, 40, 10, "#4F46E5");
    for (const [x, y, height] of [
      [81.4, 72.75, 12.5],
      [89.5, 62.75, 22.5],
      [97.6, 68.4, 16.9],
    ])
      pen.box(x, y, 5, height, 2.5, "#FFFFFF");
    pen.text("Tally", 126, 83, 26, 700, theme.ink, { spacing: -0.4 });
    pen.text(card.month, RIGHT, 82, 22, 500, theme.muted, { align: "right" });
    const size = card.figure.length > 6 ? 110 : card.figure.length > 4 ? 140 : 176;
    pen.text(card.figure, LEFT - 4, 268, size, 700, theme.accent, { spacing: -size / 22, most: 590 });
    pen.text(card.claim, LEFT, 322, 30, 600, theme.ink, { spacing: -0.5, most: 590 });
    pen.text(card.detail, LEFT, 362, 21, 400, theme.muted, { most: 590 });
  };

  const drawRows = (pen, theme, card) => {
    pen.text(card.heading, COLUMN, 150, 17, 600, theme.muted);
    pen.text("Value", RIGHT, 150, 17, 600, theme.muted, { align: "right" });
    card.rows.forEach((row, nth) => {
      const y = 190 + nth * 54;
      pen.text(row.name, COLUMN, y, 20, 500, theme.ink, { most: 320 });
      pen.text(row.value, RIGHT, y, 20, 600, theme.ink, { align: "right" });
      pen.box(COLUMN, y + 11, RIGHT - COLUMN, 7, 3.5, theme.line);
      pen.box(COLUMN, y + 11, Math.max((RIGHT - COLUMN) * row.share, 7), 7, 3.5, theme.series[nth]);
    });
  };

  const drawDays = (pen, theme, card) => {
    const step = (RIGHT - LEFT + 7) / card.days.length;
    card.days.forEach((level, nth) => {
      const x = LEFT + nth * step;
      const side = step - 7;
      if (level === null) pen.box(x, 414.75, side, side, 6.5, theme.line, true);
      else pen.box(x, 414, side, side, 7, theme.levels[level]);
      if (nth % 7 === 0) pen.text(String(nth + 1), x + side / 2, 463, 14, 400, theme.muted, { align: "center" });
    });
  };

  const drawFacts = (pen, theme, card) => {
    pen.box(LEFT, 496, RIGHT - LEFT, 1, 0, theme.line);
    card.facts.forEach(([figure, name], nth) => {
      const x = [LEFT, 386, COLUMN, 924][nth];
      pen.text(figure, x, 551, 34, 650, theme.ink, { spacing: -0.8, most: 200 });
      pen.text(name, x, 580, 17, 400, theme.muted, { most: 230 });
    });
  };

  const draw = async (holder) => {
    holder.dataset.isDrawn = "true";
    const card = JSON.parse(holder.dataset.card);
    const canvas = holder.querySelector("canvas");
    const theme = THEMES[card.theme] ?? THEMES.light;
    await Promise.all([400, 600, 700].map((weight) => document.fonts.load(font(20, weight))));
    const context = canvas.getContext("2d");
    const pen = makePen(context);
    drawGround(context, theme);
    for (const part of [drawHead, drawRows, drawDays, drawFacts]) part(pen, theme, card);
    const [button, copy] = holder.querySelectorAll("button");
    const told = holder.querySelector("[role=status]");
    const makePicture = () => new Promise((done) => canvas.toBlob(done, "image/png"));
    copy.onclick = async () => {
      try {
        // The promise goes in as it is: Safari allows a copy only right at the click.
        await navigator.clipboard.write([new ClipboardItem({ "image/png": makePicture() })]);
        told.textContent = "Copied. Paste it where you want to share it.";
      } catch {
        told.textContent = "This browser does not let pages copy pictures. Download it instead.";
      }
    };
    copy.disabled = false;
    button.onclick = () =>
      makePicture().then((picture) => {
        const link = document.createElement("a");
        link.href = URL.createObjectURL(picture);
        link.download = card.file;
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 10000);
      });
    button.disabled = false;
    canvas.dataset.isReady = "true";
  };

  for (const holder of document.querySelectorAll(".tally-card:not([data-is-drawn])")) draw(holder);
}
