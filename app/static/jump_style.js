// The look of the dialog "Jump to…".
export const STYLE = `
.tally-jump{box-sizing:border-box;width:min(40rem,calc(100vw - 1.5rem));max-height:min(34rem,calc(100dvh - 3rem));
margin:min(12vh,6rem) auto auto;padding:0;border:1px solid var(--line);border-radius:12px;background:var(--surface);color:var(--ink);
font:400 15px/1.4 Inter,system-ui,sans-serif;box-shadow:0 16px 48px rgba(0,0,0,.28);overflow:hidden;flex-direction:column;
--surface:#FFFFFF;--ink:#14181F;--muted:#5B6472;--line:#D9DDE5;--chosen:#ECEBFA;--accent:#4F46E5}
.tally-jump.dark{--surface:#161B22;--ink:#E8ECF2;--muted:#9AA4B2;--line:#384150;--chosen:#2A2866;--accent:#8B85FF;color-scheme:dark}
.tally-jump[open]{display:flex}
.tally-jump::backdrop{background:rgba(10,12,16,.45)}
.tally-jump-input{flex:none;display:flex;align-items:center;border-bottom:1px solid var(--line)}
.tally-jump-input:focus-within{box-shadow:inset 0 -2px var(--accent)}
.tally-jump input{flex:1;box-sizing:border-box;min-width:0;padding:.9rem 1rem;border:0;
background:none;color:inherit;font:inherit;font-size:16px;outline:none}
.tally-jump input::placeholder{color:var(--muted);opacity:1}
.tally-jump-kind{flex:none;display:flex;align-items:center;gap:.25rem;margin-left:.75rem;padding:.2rem .35rem .2rem .6rem;cursor:pointer;
border:0;border-radius:6px;background:var(--chosen);color:inherit;font:inherit;font-size:13px}
.tally-jump-kind[hidden]{display:none}
.tally-jump-kind:focus-visible{outline:2px solid var(--accent)}
.tally-jump i{flex:none;width:1.15rem;overflow:hidden;color:var(--muted);
font:400 1.15rem/1 "Material Symbols Rounded";font-feature-settings:"liga"}
.tally-jump [role=listbox]{flex:1;min-height:0;overflow-y:auto;padding:.35rem}
.tally-jump [role=group]>div{padding:.5rem .65rem .2rem;color:var(--muted);font-size:12.5px;font-weight:500}
.tally-jump a{display:flex;gap:.65rem;align-items:center;padding:.45rem .65rem;border-radius:8px;color:inherit;text-decoration:none;cursor:pointer}
.tally-jump a[aria-selected=true]{background:var(--chosen);box-shadow:inset 3px 0 var(--accent)}
.tally-jump a span{min-width:0;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;unicode-bidi:isolate}
.tally-jump a span+span{flex:none;max-width:45%;margin-left:auto;color:var(--muted);font-size:13px}
.tally-jump a[aria-selected=true] span+span,.tally-jump a[aria-selected=true] i{color:inherit}
.tally-jump p{flex:none;margin:0;padding:.5rem 1rem;border-top:1px solid var(--line);color:var(--muted);font-size:13px}
@media(max-width:480px){.tally-jump a span+span{max-width:38%}}`;
