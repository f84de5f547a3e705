//! The attributes whose value is a script.

/// Event handlers (WHATWG HTML §8.1.8.2), those of `<body>` and of drawings included, without their `on`.
#[rustfmt::skip]
const EVENTS: [&str; 121] = [
    "abort", "afterprint", "animationcancel", "animationend", "animationiteration",
    "animationstart", "auxclick", "beforecopy", "beforecut", "beforeinput", "beforematch",
    "beforepaste", "beforeprint", "beforetoggle", "beforeunload", "begin", "blur", "cancel",
    "canplay", "canplaythrough", "change", "click", "close", "command", "contextlost",
    "contextmenu", "contextrestored", "copy", "cuechange", "cut", "dblclick", "drag", "dragend",
    "dragenter", "dragleave", "dragover", "dragstart", "drop", "durationchange", "emptied",
    "end", "ended", "error", "focus", "focusin", "focusout", "formdata", "gotpointercapture",
    "hashchange", "input", "invalid", "keydown", "keypress", "keyup", "languagechange", "load",
    "loadeddata", "loadedmetadata", "loadstart", "lostpointercapture", "message",
    "messageerror", "mousedown", "mouseenter", "mouseleave", "mousemove", "mouseout",
    "mouseover", "mouseup", "mousewheel", "offline", "online", "pagehide", "pageshow", "paste",
    "pause", "play", "playing", "pointercancel", "pointerdown", "pointerenter", "pointerleave",
    "pointermove", "pointerout", "pointerover", "pointerup", "popstate", "progress",
    "ratechange", "rejectionhandled", "repeat", "reset", "resize", "scroll", "scrollend",
    "securitypolicyviolation", "seeked", "seeking", "select", "selectionchange", "selectstart",
    "slotchange", "stalled", "storage", "submit", "suspend", "timeupdate", "toggle",
    "touchcancel", "touchend", "touchmove", "touchstart", "transitioncancel", "transitionend",
    "transitionrun", "transitionstart", "unhandledrejection", "unload", "volumechange",
    "waiting", "wheel",
];

/// Returns whether an attribute, in lower case, is an event handler.
pub(super) fn is_handler(name: &str) -> bool {
    let event = name.strip_prefix("on");
    event.is_some_and(|event| EVENTS.binary_search(&event).is_ok())
}
