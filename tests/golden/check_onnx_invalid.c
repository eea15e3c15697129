/* SPDX-License-Identifier: Apache-2.0
 *
 * check_onnx_invalid FOLDER: every file that reasons.txt of the folder names
 * (written by make_onnx_invalid.py) is refused with its status and a message
 * that names the file and says why; and fine.onnx, from which they all start, is
 * not. */
#include <sentiment/sentiment.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    sentiment_status status;
} statuses[] = {
    {"BAD_MODEL", SENTIMENT_ERROR_BAD_MODEL},
    {"UNSUPPORTED", SENTIMENT_ERROR_UNSUPPORTED},
    {"SHAPE_MISMATCH", SENTIMENT_ERROR_SHAPE_MISMATCH},
    {"NOT_FOUND", SENTIMENT_ERROR_NOT_FOUND},
    {"IO", SENTIMENT_ERROR_IO},
};

static sentiment_status status_of(const char *name)
{
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
        if (strcmp(statuses[i].name, name) == 0)
            return statuses[i].status;
    fprintf(stderr, "reasons.txt: unknown status %s\n", name);
    exit(1);
}

static sentiment_status load(const char *folder, const char *name, sentiment_error *error)
{
    char path[4096];
    sentiment_model *model = NULL;
    *error = (sentiment_error){.struct_size = sizeof *error};
    if ((size_t)snprintf(path, sizeof path, "%s/%s.onnx", folder, name) >= sizeof path)
        return SENTIMENT_OK;
    sentiment_status status = sentiment_model_load(path, NULL, &model, error);
    sentiment_model_free(model);
    return status;
}

/* Whether the file is refused as the line says. */
static int check(const char *folder, char *line)
{
    sentiment_error error;
    char *status = strchr(line, '\t'), *says = status ? strchr(status + 1, '\t') : NULL;
    if (!says) {
        fprintf(stderr, "reasons.txt: a line without three fields\n");
        return 0;
    }
    *status++ = *says++ = '\0';
    says[strcspn(says, "\n")] = '\0';
    sentiment_status found = load(folder, line, &error);
    if (found == status_of(status) && error.code == found && strstr(error.message, says) &&
        strstr(error.message, line))
        return 1;
    fprintf(stderr, "%s: %d \"%s\"; expected %s \"%s\"\n", line, found, error.message, status,
            says);
    return 0;
}

int main(int count, char **arguments)
{
    char path[4096], line[1024];
    size_t files = 0, wrong = 0;
    sentiment_error error;
    if (count != 2)
        return 2;
    if (load(arguments[1], "fine", &error) != SENTIMENT_OK) {
        fprintf(stderr, "fine: %s\n", error.message);
        return 1;
    }
    snprintf(path, sizeof path, "%s/reasons.txt", arguments[1]);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file)) {
        files++;
        wrong += !check(arguments[1], line);
    }
    if (file)
        fclose(file);
    printf("%zu files, %zu not refused as they should be\n", files, wrong);
    return files == 0 || wrong > 0;
}
