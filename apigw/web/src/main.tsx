/* SPDX-License-Identifier: GPL-3.0-or-later */
import { render } from 'preact';
import { App } from './app.tsx';
import { startLanguage } from './i18n/index.ts';
import { watchOutcomes } from './live/connection.ts';
import { startRouter } from './router.ts';
import './styles/tokens.css';
import './styles/base.css';
import './styles/controls.css';
import './styles/marks.css';
import './styles/overlays.css';
import './styles/shell.css';
import './styles/outlets.css';
import './styles/blast.css';
import './styles/narrow.css';
import './styles/manage.css';

startLanguage();
startRouter();
watchOutcomes();
render(<App />, document.getElementById('app')!);
