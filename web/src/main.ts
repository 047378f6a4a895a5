import { mount } from 'svelte';
import App from './App.svelte';
import './theme.css';
import { ui } from './ui.svelte';

ui.start();
const target = document.getElementById('app');
if (target) mount(App, { target });
