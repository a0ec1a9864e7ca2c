// Runs before anything is painted: the colours that were chosen the last time. "" follows the system.
{
  let chosen = "";
  try {
    chosen = localStorage.getItem("theme") || "";
  } catch {
    // storage is forbidden here: the system's colours
  }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
}
