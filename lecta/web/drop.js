// Where files are dropped or chosen. They are sent one after the other; the server's list shows how far they are.

export default {
  template: `
    <div class="drop" :class="{ over }" @dragover.prevent="over = true" @dragleave.self="over = false" @drop.prevent="dropped">
      <span class="soft small">Drop slides, transcripts, recordings or notes here</span>
      <input ref="files" type="file" multiple :accept="accept" hidden tabindex="-1" aria-hidden="true" @change="chosen">
      <input ref="folder" type="file" webkitdirectory hidden tabindex="-1" aria-hidden="true" @change="chosen">
      <span style="display: flex; gap: 0.4rem; flex-wrap: wrap; justify-content: center">
        <button type="button" class="button" @click="$refs.files.click()">Choose files</button>
        <button type="button" class="button" @click="$refs.folder.click()">A folder</button>
      </span>
      <input v-model="course" class="field" type="text" maxlength="200" placeholder="Course (optional)" aria-label="Course of the files that are added">
      <progress v-if="sending" class="bar-of" :value="sent" :max="total" aria-label="Sending"></progress>
      <span v-if="sending" class="soft small">{{ sending }}</span>
    </div>`,
  props: { accept: String, megabytes: Number, url: { type: String, default: "/api/documents" } },
  data() {
    return { over: false, waiting: [], sending: "", sent: 0, total: 1, course: "" };
  },
  methods: {
    chosen(event) {
      this.send([...event.target.files]);
      event.target.value = "";
    },
    dropped(event) {
      this.over = false;
      this.send([...event.dataTransfer.files]);
    },
    async send(files) {
      const known = new Set(this.accept.split(","));
      for (const file of files) {
        const name = file.webkitRelativePath || file.name;
        const suffix = (/\.[^./]+$/.exec(name)?.[0] ?? "").toLowerCase();
        if (known.has(suffix) && file.size > this.megabytes * 1e6) this.$emit("refused", { name, reason: `it has more than ${this.megabytes} MB` });
        else if (known.has(suffix)) this.waiting.push({ file, name, course: this.course.trim() });
        else if (!file.webkitRelativePath) this.$emit("refused", { name, reason: `lecta does not read ${suffix || "files without a suffix"}` });
      }
      if (this.sending) return;
      while (this.waiting.length) {
        const { file, name, course } = this.waiting.shift();
        this.sending = this.waiting.length ? `${name}, ${this.waiting.length} more` : name;
        const reason = await this.post(file, name, course);
        if (reason) this.$emit("refused", { name, reason });
      }
      this.sending = "";
    },
    post(file, name, course) {
      return new Promise((resolve) => {
        const query = new URLSearchParams(course ? { name, course } : { name });
        const request = new XMLHttpRequest();
        request.upload.onprogress = (event) => ([this.sent, this.total] = [event.loaded, event.total || 1]);
        request.onload = () => resolve(request.status < 400 ? "" : this.reason(request));
        request.onerror = () => resolve("the server cannot be reached, or it refused a file of this size");
        request.open("POST", `${window.path_prefix || ""}${this.url}?${query}`);
        request.send(file);
      });
    },
    reason(request) {
      try {
        return String(JSON.parse(request.responseText).error);
      } catch {
        return `the server said ${request.status}`;
      }
    },
  },
};
