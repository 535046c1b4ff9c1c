// Keyboard only, and nothing that the pages need: `/` goes to the search box, `j` and `k` through rows.
const rows = [...document.querySelectorAll(".rows tbody tr")];
let at = -1;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
  if (event.key === "/") {
    event.preventDefault();
    const box = document.getElementById("q");
    box?.focus();
    box?.select();
  } else if ((event.key === "j" || event.key === "k") && rows.length > 0) {
    at = Math.min(Math.max(at + (event.key === "j" ? 1 : -1), 0), rows.length - 1);
    rows[at].focus();
  }
});
