/* json: text for programs, on standard output. */
#ifndef TC_TOOLS_CTL_JSON_H
#define TC_TOOLS_CTL_JSON_H

/* The text as a JSON string, quotes included. Bytes above 0x7f pass as they are (UTF-8). */
void json_text(const char *text);

#endif
