/* SPDX-License-Identifier: GPL-3.0-or-later */
// Runs before the first paint, so that a chosen theme does not flash in after the system's.
(function () {
	try {
		var theme = localStorage.getItem('waconn.theme');
		if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
	} catch (e) {
		// Storage is off: the system's theme it is.
	}
})();
