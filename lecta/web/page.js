// What only a browser can do: keys, the theme, where the focus goes. It shows nothing of its own.

const WRITING = "input, textarea, select, [contenteditable]";

function chips() {
  return [...document.querySelectorAll("[data-cite]")].filter((one) => one.offsetParent !== null);
}

export default {
  template: `<div hidden></div>`,
  mounted() {
    this.app = document.querySelector(".app");
    document.addEventListener("keydown", this.pressed);
    this.narrow = matchMedia("(max-width: 860px)");
    this.overlaid = matchMedia("(max-width: 1180px)");
    this.narrow.addEventListener("change", this.settle);
    this.overlaid.addEventListener("change", this.settle);
    window.addEventListener("lecta-shelf", this.asked);
    this.settle();
  },
  unmounted() {
    window.removeEventListener("lecta-shelf", this.asked);
    document.removeEventListener("keydown", this.pressed);
    this.narrow.removeEventListener("change", this.settle);
    this.overlaid.removeEventListener("change", this.settle);
  },
  methods: {
    pressed(event) {
      if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
      const at = event.target instanceof Element ? event.target : document.body;
      if (event.key === "Escape") return this.leave(at, event);
      if (at.closest(WRITING) || at.closest("audio, video")) return;
      if (event.key === "/") {
        event.preventDefault();
        this.shelf(false);
        document.getElementById("question")?.focus();
      } else if (["ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp"].includes(event.key)) {
        this.walk(at, event);
      }
    },
    // Left and right go from citation to citation; up and down too, once on one, and scroll otherwise.
    walk(at, event) {
      const all = chips();
      const place = all.indexOf(at.closest("[data-cite]"));
      const upright = event.key === "ArrowDown" || event.key === "ArrowUp";
      if (!all.length || (upright && place < 0) || at.closest(".kinds")) return;
      event.preventDefault();
      const step = event.key === "ArrowRight" || event.key === "ArrowDown" ? 1 : -1;
      const next = place < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(place + step, 0), all.length - 1);
      all[next].focus();
      all[next].scrollIntoView({ block: "nearest" });
    },
    leave(at, event) {
      if (this.app.classList.contains("shelf-open")) {
        this.shelf(false);
        document.querySelector(".menu")?.focus();
      } else if (!document.querySelector(".source")?.hidden) {
        this.$emit("leave");
      } else if (at.closest("#question")) {
        at.blur();
      } else {
        return;
      }
      event.preventDefault();
    },
    asked(event) {
      this.shelf(event.detail);
      if (!event.detail) document.querySelector(".menu")?.focus();
    },
    // The shelf lies over the page where it is narrow; what lies below is then out of reach.
    shelf(open) {
      this.app.classList.toggle("shelf-open", open && this.narrow.matches);
      document.querySelector(".menu")?.setAttribute("aria-expanded", String(open && this.narrow.matches));
      this.settle();
      if (open && this.narrow.matches) document.querySelector(".shelf .close")?.focus();
    },
    settle() {
      const shelf = this.app.classList.contains("shelf-open") && this.narrow.matches;
      const source = document.querySelector(".source");
      const over = this.overlaid.matches && source && !source.hidden;
      document.querySelector(".talk").inert = shelf || over;
      document.querySelector(".bar").inert = shelf || over;
      document.querySelector(".shelf").inert = over || (this.narrow.matches && !shelf);
    },
    // The source was opened: where it lies over the page the focus goes with it, else it stays on the citation.
    opened() {
      const now = document.activeElement;
      if (now?.matches(".chip, .go, .open")) this.opener = now;
      this.unmark();
      this.opener?.classList.add("opened");
      this.shelf(false);
      requestAnimationFrame(() => {
        this.settle();
        if (this.overlaid.matches) document.querySelector(".source .close")?.focus();
      });
    },
    unmark() {
      document.querySelectorAll(".opened").forEach((one) => one.classList.remove("opened"));
    },
    closed() {
      this.unmark();
      requestAnimationFrame(() => {
        this.settle();
        if (this.opener?.isConnected) this.opener.focus();
        else document.getElementById("question")?.focus();
        this.opener = null;
      });
    },
    // What is cited comes into sight: in the transcript, which scrolls by itself, or in the notes.
    place() {
      requestAnimationFrame(() => {
        const body = document.querySelector(".source .body");
        for (const cues of body.querySelectorAll(".cues")) {
          const one = cues.querySelector("mark") ?? cues.querySelector(".now");
          if (one) cues.scrollTop += one.getBoundingClientRect().top - cues.getBoundingClientRect().top - cues.clientHeight / 4;
        }
        const mark = body.querySelector(".notes mark, .quote mark");
        if (mark?.offsetParent) mark.scrollIntoView({ block: "center" });
        else body.scrollTop = 0;
      });
    },
    to(selector, focus) {
      requestAnimationFrame(() => {
        const one = document.querySelector(selector);
        one?.scrollIntoView({ block: "start" });
        if (focus) one?.focus({ preventScroll: true });
      });
    },
    play(seconds) {
      const player = document.querySelector(".source audio, .source video");
      if (!player) return;
      player.currentTime = seconds;
      player.play().catch(() => {}); // a browser may want a click first; the second is set all the same
    },
  },
};
