// Downloads the chart of the page as a picture with its title and legend. Plotly's own button, which is hidden, draws it in the browser.
// And clicks on tiles filter, as on bars: Plotly would also zoom into them, with a motion of its own.
{
  const keepTiles = ({ target }) => {
    const chart = target.closest?.(".treemaplayer") && target.closest(".js-plotly-plot");
    if (!chart?.on) return;
    chart.removeAllListeners("plotly_treemapclick"); // a chart that is drawn again may have lost it
    chart.on("plotly_treemapclick", (clicked) => {
      chart.emit("plotly_click", clicked);
      return false; // no zoom, and no click of Plotly's own
    });
  };
  const BUTTON = '[data-title^="Download"]';
  const listen = ({ target }) => {
    const asked = target.closest?.("[data-chart-picture]");
    if (!asked) return;
    const charts = [...document.querySelectorAll('[data-testid="stMain"] .js-plotly-plot')];
    const chart = charts.find((one) => one.offsetWidth > 0 && one.querySelector(BUTTON));
    if (!chart) return;
    const { width, height } = chart.getBoundingClientRect();
    const kind = asked.dataset.chartPicture;
    const hasNames = chart.data.length > 1;
    const kept = { ...chart.layout };
    // The picture is drawn from these, before the next line: the page keeps its own.
    chart.layout.showlegend = hasNames;
    chart.layout.title = { text: asked.dataset.title, x: 0, xref: "paper", y: 0.97, font: { size: 16 } };
    chart.layout.margin = { ...kept.margin, l: 12, r: 12, t: 52 };
    chart._context.toImageButtonOptions = {
      format: kind,
      filename: asked.dataset.name,
      width,
      height: height + 60 + (hasNames ? 40 : 0),
      scale: kind === "png" ? 2 : 1,
    };
    chart.querySelector(BUTTON).click();
    chart.layout = kept;
  };
  if (!window.hasChartPictures) {
    window.hasChartPictures = true;
    document.addEventListener("click", listen, true);
    document.addEventListener("click", keepTiles, true);
  }
}
