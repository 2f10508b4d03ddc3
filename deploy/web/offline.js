// Keeps the app for offline use, and announces newer versions.

// Resolves once the service worker has all files, so that each is fetched once; at once where there is none or it cannot be.
export async function keptOffline() {
  if (!navigator.serviceWorker) return; // a page that is neither of https nor of localhost
  const updating = navigator.serviceWorker.controller !== null; // the first worker takes over a page of its own version
  navigator.serviceWorker.addEventListener("controllerchange", () => updating && location.reload());
  try {
    const registration = await navigator.serviceWorker.register("sw.js", { updateViaCache: "none" });
    registration.addEventListener("updatefound", () => offerUpdate(registration));
    offerUpdate(registration);
    if (!registration.active) await settled(registration.installing ?? registration.waiting);
  } catch (error) {
    console.warn("This page will not work offline:", error.message);
  }
}

function settled(worker) {
  return new Promise((resolve) => {
    const look = () => ["activated", "redundant"].includes(worker.state) && resolve();
    worker.addEventListener("statechange", look);
    look();
  });
}

function offerUpdate({ waiting, installing, active }) {
  const worker = waiting ?? installing;
  if (!active || !worker) return; // the first visit
  const look = () => {
    if (worker.state === "installed") document.getElementById("update").hidden = false;
  };
  document.getElementById("reload").onclick = () => worker.postMessage("update");
  worker.addEventListener("statechange", look);
  look();
}
