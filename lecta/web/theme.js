// A switch between the system's theme, light and dark, kept in this browser.

const ICONS = { system: "brightness_auto", light: "light_mode", dark: "dark_mode" };
const NEXT = { system: "light", light: "dark", dark: "system" };

export default {
  template: `
    <button type="button" class="icon theme" :aria-label="'Theme: ' + theme + '. Change to ' + next" :title="'Theme: ' + theme" @click="change">
      <i class="material-icons" aria-hidden="true">{{ icon }}</i>
    </button>`,
  data() {
    let kept = null;
    try {
      kept = localStorage.getItem("lecta-theme");
    } catch {} // storage may be switched off
    return { theme: kept in ICONS ? kept : "system" };
  },
  computed: {
    icon() {
      return ICONS[this.theme];
    },
    next() {
      return NEXT[this.theme];
    },
  },
  mounted() {
    this.show();
  },
  methods: {
    change() {
      this.theme = NEXT[this.theme];
      try {
        localStorage.setItem("lecta-theme", this.theme);
      } catch {}
      this.show();
    },
    show() {
      if (this.theme === "system") delete document.documentElement.dataset.theme;
      else document.documentElement.dataset.theme = this.theme;
    },
  },
};
