/* SPDX-License-Identifier: MIT */
/*
 * A note says an address as it was linked, and the address that a section had then by which it can
 * be corrected; the program headers say where addresses lie in the file. Operands are registers of
 * a call, in order (shm/probes.c), or the file is not one of ours.
 */

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "ebpf/notes.h"
#include "ebpf/record.h"

#define OWNER "stapsdt"
#define TYPE 3
#define PROVIDER "thruster"
#define NOTES_BYTES_MAX 65536u
#if defined(__x86_64__)
#define OPERANDS "8@%rdi 8@%rsi 8@%rdx 8@%rcx 8@%r8 8@%r9"
#elif defined(__aarch64__)
#define OPERANDS "8@x0 8@x1 8@x2 8@x3 8@x4 8@x5"
#endif

struct file {
	int fd;
	Elf *elf;
	uint64_t base; /* address of .stapsdt.base as it is */
};

static const char *const names[] = {
#define X(upper, probe, key) [TRACE_##upper] = #probe,
	TRACE_PROBES(X)
#undef X
};

const char *notes_probe_name(unsigned probe)
{
	return probe < TRACE_PROBES_N ? names[probe] : "?";
}

static void file_close(struct file *f)
{
	elf_end(f->elf);
	if (f->fd >= 0)
		close(f->fd);
}

static int file_open(struct file *f, const char *path, char why[NOTES_WHY_MAX])
{
	elf_version(EV_CURRENT);
	f->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (f->fd < 0) {
		int r = -errno;

		snprintf(why, NOTES_WHY_MAX, "cannot be opened: %s", strerror(-r));
		return r;
	}
	/* Not mapped: it may be a client's, who may make it shorter at any time. */
	f->elf = elf_begin(f->fd, ELF_C_READ, NULL);
	if (f->elf && elf_kind(f->elf) == ELF_K_ELF)
		return 0;
	snprintf(why, NOTES_WHY_MAX, "is no program and no library");
	return -ENODATA;
}

static bool section_named(const struct file *f, const char *name, Elf_Scn **ret, GElf_Shdr *header)
{
	Elf_Scn *section = NULL;
	const char *found;
	size_t names_at;

	if (elf_getshdrstrndx(f->elf, &names_at) < 0)
		return false;
	while ((section = elf_nextscn(f->elf, section))) {
		if (!gelf_getshdr(section, header))
			continue;
		found = elf_strptr(f->elf, names_at, header->sh_name);
		if (found && strcmp(found, name) == 0) {
			*ret = section;
			return true;
		}
	}
	return false;
}

/* The offset in the file of what is loaded at an address; 0 = nothing is. */
static uint64_t offset_of(const struct file *f, uint64_t address)
{
	GElf_Phdr header;
	size_t n, i;

	if (elf_getphdrnum(f->elf, &n) < 0)
		return 0;
	for (i = 0; i < n; i++)
		if (gelf_getphdr(f->elf, (int)i, &header) && header.p_type == PT_LOAD &&
			address >= header.p_vaddr && address < header.p_vaddr + header.p_filesz)
			return address - header.p_vaddr + header.p_offset;
	return 0;
}

static int probe_named(const char *name)
{
	unsigned i;

	for (i = 0; i < TRACE_PROBES_N; i++)
		if (strcmp(names[i], name) == 0)
			return (int)i;
	return -1;
}

/* The next of the strings in a note, or NULL. */
static const char *next_string(const char **at, const char *end)
{
	const char *s = *at, *nul = s < end ? memchr(s, 0, (size_t)(end - s)) : NULL;

	if (!nul)
		return NULL;
	*at = nul + 1;
	return s;
}

/* One note: addresses of the instruction, the base and the semaphore; provider, name, operands. */
static int add_note(const struct file *f, struct notes *notes, const char *at, size_t size,
	char why[NOTES_WHY_MAX])
{
	const char *end = at + size, *provider, *name, *operands;
	uint64_t address[3];
	int probe;

	if (size < sizeof(address))
		return 0;
	memcpy(address, at, sizeof(address));
	at += sizeof(address);
	provider = next_string(&at, end);
	name = next_string(&at, end);
	operands = next_string(&at, end);
	if (!operands || strcmp(provider, PROVIDER) != 0)
		return 0;
	probe = probe_named(name);
	if (probe < 0 || strcmp(operands, OPERANDS) != 0) {
		snprintf(why, NOTES_WHY_MAX, "its probe %.32s is of another version", name);
		return -ENOTSUP;
	}
	if (notes->n == NOTES_SITES_MAX) {
		snprintf(why, NOTES_WHY_MAX, "it has more than %u probes", NOTES_SITES_MAX);
		return -ENOTSUP;
	}
	notes->site[notes->n++] = (struct notes_site){
		.probe = (unsigned)probe,
		.offset = offset_of(f, address[0] + (f->base ? f->base - address[1] : 0)),
		.semaphore = address[2] ? offset_of(f, address[2] + (f->base ? f->base - address[1]
									     : 0))
					: 0,
	};
	return 0;
}

static int read_notes(struct file *f, struct notes *notes, char why[NOTES_WHY_MAX])
{
	size_t at = 0, next, name, text;
	GElf_Shdr header;
	Elf_Scn *section;
	GElf_Nhdr note;
	Elf_Data *data;
	int r = 0;

	if (section_named(f, ".stapsdt.base", &section, &header))
		f->base = header.sh_addr;
	snprintf(why, NOTES_WHY_MAX, "has no probes of ours");
	if (!section_named(f, ".note.stapsdt", &section, &header) ||
		header.sh_size > NOTES_BYTES_MAX || !(data = elf_getdata(section, NULL)))
		return -ENODATA;
	while (r == 0 && (next = gelf_getnote(data, at, &note, &name, &text)) > 0) {
		if (note.n_type == TYPE && note.n_namesz == sizeof(OWNER) &&
			memcmp((char *)data->d_buf + name, OWNER, sizeof(OWNER)) == 0)
			r = add_note(f, notes, (char *)data->d_buf + text, note.n_descsz, why);
		at = next;
	}
	if (r == 0 && notes->n == 0)
		r = -ENODATA;
	return r;
}

int notes_read(const char *path, struct notes *ret, char why[NOTES_WHY_MAX])
{
	struct file f = { .fd = -1 };
	struct notes notes = { 0 };
	int r = file_open(&f, path, why);

	if (r == 0)
		r = read_notes(&f, &notes, why);
	file_close(&f);
	if (r == 0)
		*ret = notes;
	return r;
}
