// nsqadmin's script. Pages are complete without it; it makes them live, charts
// readable point by point, and everything reachable by keyboard.
import { drawCharts } from "./charts";
import { watchCounter } from "./counter";
import { openDialogs } from "./dialogs";
import { startFeed } from "./feed";
import { listenToKeys } from "./keys";
import { checkNames } from "./names";

document.documentElement.classList.add("js");
drawCharts(document);
watchCounter();
openDialogs();
checkNames();
listenToKeys();
startFeed();
